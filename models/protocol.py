"""What every model offers, so that families, benchmarks and notebooks use all of them alike.

A model is immutable. The class method `fit(cases, parameters, context)` makes it; the types of its cases and parameters
belong to the model's own module. Customer models are stored in the bundle: where a retrained family fails its gate, the
stored model scores the customers as of now. Item models are fitted anew in each training run, since a forecast is only
as good as its latest week, and are not stored.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np

from contracts.progress import Progress, silent


@dataclass(frozen=True)
class FitContext:
    """What a fit needs besides its cases and parameters."""

    seed: int = 7
    threads: int = 1  # numerical threads that may be used
    progress: Progress = silent


@runtime_checkable
class Baseline(Protocol):
    """A plain method that a model must beat: it predicts from the same features."""

    def predict(self, features: np.ndarray) -> np.ndarray:
        """One number per row, (rows,)."""


@runtime_checkable
class CustomerModel(Protocol):
    """A model of customers: features in, predictions out, a row per customer."""

    @classmethod
    def fit(cls, cases: Any, parameters: Any, context: FitContext) -> Self:
        """Fit to cases whose outcomes are known."""

    def predict(self, features: Any, threads: int = 1) -> Any:
        """Predictions, whose arrays are (customers,) or (customers, ...)."""

    def write(self, folder: Path, facts: dict[str, Any]) -> None:
        """Write the model into a folder of the bundle; its JSON repeats `facts` about the fit."""

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what `write` wrote; raises BundleRefused where the features are not those of this version."""


@runtime_checkable
class ExplainedModel(CustomerModel, Protocol):
    """A customer model whose predictions are published with their reasons; the hazard and uplift models have none."""

    def explain(self, features: Any, threads: int = 1) -> np.ndarray:
        """What each feature adds to each prediction, (customers, features)."""


@runtime_checkable
class ItemModel(Protocol):
    """A model of items: a panel of past sales in, a forecast or a trend per series out."""

    @classmethod
    def fit(cls, panel: Any, parameters: Any, context: FitContext) -> Self:
        """Fit to the whole panel."""

    def predict(self, panel: Any) -> Any:
        """Predictions, whose arrays are (series, ...)."""
