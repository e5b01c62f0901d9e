"""LightGBM as every model uses it: reproducible settings, and trees in the text format that a bundle stores."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import lightgbm as lgb
import numpy as np

_REPRODUCIBLE: Final = {"deterministic": True, "force_row_wise": True, "verbose": -1}


def settings(*, seed: int, threads: int, **differences: Any) -> dict[str, Any]:
    """LightGBM's parameters: `differences` from its defaults (objective, num_leaves, ...), made reproducible.

    Small fits are slower on more `threads`; the caller chooses.
    """
    return {**differences, "seed": seed, "num_threads": threads, **_REPRODUCIBLE}


@dataclass(frozen=True)
class BoostedTrees:
    """Immutable trees; the text is parsed once, when they first predict."""

    text: str

    @classmethod
    def of(cls, booster: lgb.Booster) -> Self:
        """The trees of a fitted booster."""
        return cls(str(booster.model_to_string()))

    @classmethod
    def read(cls, path: Path) -> Self:
        """What `write` wrote."""
        return cls(path.read_text(encoding="utf-8"))

    def write(self, path: Path) -> None:
        """Write the text."""
        path.write_text(self.text, encoding="utf-8")

    def score(self, features: np.ndarray, threads: int = 1) -> np.ndarray:
        """The sum of the trees, before the objective's link function, (rows,) of features (rows, features)."""
        return np.asarray(self._booster.predict(features, raw_score=True, num_threads=threads))

    def contributions(self, features: np.ndarray, threads: int = 1) -> np.ndarray:
        """What each feature adds to the score, (rows, features): SHAP values (Lundberg et al., Nature MI 2020)."""
        return np.asarray(self._booster.predict(features, pred_contrib=True, num_threads=threads))[:, :-1]

    @cached_property
    def _booster(self) -> lgb.Booster:
        return lgb.Booster(model_str=self.text)
