"""Ranking: LambdaMART over the candidates' features, or a fixed blend where the store is too small to train it.

LambdaMART is Burges (2010), as LightGBM implements it; the labels come from the window after the features' moment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import lightgbm
import numpy as np

from contracts.errors import BundleRefused
from recsys.features import FEATURES
from recsys.parameters import RecommendParameters

# The blend's weights, used where too few customers came back for a model to be trained: own history first, then
# neighbours, then popularity as the tie-break.
BLEND: Final = {
    "interest_share": 2.0,
    "bought_together_relative": 1.0,
    "viewed_then_bought_relative": 0.7,
    "viewed_together_relative": 0.5,
    "category_affinity": 0.2,
}
POPULARITY_TIE_BREAK: Final = 0.1
ROWS_PER_THREAD: Final = 100_000  # with fewer, threads wait for each other longer than they work


@dataclass(frozen=True)
class TrainingGroups:
    """Candidates of many customers with their labels: `features` (rows, features), `labels` (rows,) 0 or 1.

    `sizes` (customers,) int64 is the number of consecutive rows of each customer.
    """

    features: np.ndarray
    labels: np.ndarray
    sizes: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence["TrainingGroups"]) -> Self:
        """The groups of several windows as one."""
        filled = [part for part in parts if len(part.sizes)] or parts[:1]
        return cls(
            np.concatenate([part.features for part in filled]),
            np.concatenate([part.labels for part in filled]),
            np.concatenate([part.sizes for part in filled]),
        )


class Ranker:
    """Scores candidates from their features; `text` is LightGBM's own format, empty for the blend."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self._booster = lightgbm.Booster(model_str=text) if text else None
        if self._booster is not None and self._booster.feature_name() != list(FEATURES):
            raise BundleRefused("the ranker was trained on other features than this version computes. Train again.")

    @property
    def name(self) -> str:
        return "lambdamart" if self._booster else "blend"

    def scores(self, features: np.ndarray) -> np.ndarray:
        """(candidates,) float64, higher is better."""
        if not len(features):
            return np.zeros(0)
        if self._booster is None:
            return _blend(features)
        # One thread: a request has a few hundred rows, and threads cost more than they save.
        return np.asarray(self._booster.predict(features, num_threads=1))


def train_ranker(groups: TrainingGroups, parameters: RecommendParameters, seed: int, threads: int) -> Ranker:
    """LambdaMART on the groups; the same groups and seed give the same text."""
    options: dict[str, Any] = {
        "objective": "lambdarank",
        "lambdarank_truncation_level": 30,
        "learning_rate": parameters.learning_rate,
        "num_leaves": parameters.leaves,
        "min_data_in_leaf": parameters.least_rows_per_leaf,
        "feature_fraction": 0.8,
        "lambda_l2": 1.0,
        "seed": seed,
        "num_threads": min(threads, 1 + len(groups.labels) // ROWS_PER_THREAD),
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }
    data = lightgbm.Dataset(
        groups.features, label=groups.labels, group=groups.sizes, feature_name=list(FEATURES), free_raw_data=True
    )
    booster = lightgbm.train(options, data, num_boost_round=parameters.trees)
    return Ranker(booster.model_to_string())


def _blend(features: np.ndarray) -> np.ndarray:
    column = {name: place for place, name in enumerate(FEATURES)}
    score = sum((weight * features[:, column[name]] for name, weight in BLEND.items()), np.zeros(len(features)))
    for name, share in (("popular_week", 1.0), ("popular_month", 0.1)):
        popular = np.log1p(features[:, column[name]])
        score += POPULARITY_TIE_BREAK * share * popular / max(float(popular.max()), 1.0)
    return np.asarray(score, np.float64)
