"""Ranking: LambdaMART over the candidates' features, or a fixed blend where the store is too small to train it.

The baseline ranks by personal frequency: what this customer ordered most often, then put into the cart, then viewed.
What is popular follows.

LambdaMART is Burges (2010), as LightGBM implements it; the labels lie after the time of the features.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from contracts.errors import BundleRefused
from recsys.data.interactions import KINDS
from recsys.parameters import RecommendParameters
from recsys.ranking.tree_inference import Trees

# Each scenario has a ranker of its own. Before a session (a home page's first view, an e-mail) it predicts what the
# customer orders next; in a session, what this session chooses next.
SCENARIOS: Final = ("cold_session", "in_session")

# The weights of the blend that ranks where too few customers came back to train a model: own history first, then
# neighbours, then popularity as the tie-break.
BLEND: Final = {
    "interest_max_normalised": 2.0,
    "bought_together_max_normalised": 1.0,
    "viewed_then_bought_max_normalised": 0.7,
    "viewed_together_max_normalised": 0.5,
    "viewed_together_session_max_normalised": 0.5,
    "category_affinity": 0.2,
}
POPULARITY_TIE_BREAK: Final = 0.1
FREQUENCY: Final = "frequency"  # in the place of a ranker's text
_KIND_WEIGHT: Final = 1000.0  # one order counts more than any usual number of carts, a cart than any of views
VALIDATION_SHARE: Final = 0.12  # of the groups, which choose the number of trees
PATIENCE: Final = 40  # trees without a gain on the validation groups, after which training ends
LEAST_TREES: Final = 10
ROWS_PER_THREAD: Final = 100_000  # with fewer, threads wait for each other longer than they work


@dataclass(frozen=True)
class TrainingGroups:
    """Candidates of many examples: `features` (rows, features) float32, `labels` (rows,) int8, 0 or 1.

    A group is the candidates of one example, `sizes` (groups,) int64 its number of consecutive rows.
    """

    features: np.ndarray
    labels: np.ndarray
    sizes: np.ndarray

    @classmethod
    def empty(cls, features: int) -> Self:
        """No groups, of candidates with that many features."""
        return cls(np.zeros((0, features), np.float32), np.zeros(0, np.int8), np.zeros(0, np.int64))

    @classmethod
    def joined(cls, parts: Sequence["TrainingGroups"]) -> Self:
        """The groups of all parts; of parts that are all empty, the first."""
        filled = [part for part in parts if len(part.sizes)] or parts[:1]
        return cls(
            np.concatenate([part.features for part in filled]),
            np.concatenate([part.labels for part in filled]),
            np.concatenate([part.sizes for part in filled]),
        )

    def where(self, mask: np.ndarray) -> "TrainingGroups":
        """The groups of `mask` (groups,) bool."""
        rows = np.repeat(mask, self.sizes)
        return TrainingGroups(self.features[rows], self.labels[rows], self.sizes[mask])


class Ranker:
    """Scores candidates from their features; `text` is LightGBM's own format, empty for the blend, or FREQUENCY."""

    def __init__(self, features: Sequence[str], text: str = "") -> None:
        self.text = text
        self._features = tuple(features)
        self._trees = Trees.of(text) if text not in ("", FREQUENCY) else None
        if self._trees is not None and self._trees.features != self._features:
            raise BundleRefused("the ranker was trained on other features than this version computes. Train again.")

    @property
    def name(self) -> str:
        return "lambdamart" if self._trees else self.text or "blend"

    def scores(self, features: np.ndarray) -> np.ndarray:
        """(candidates,) float64, higher is better."""
        if not len(features):
            return np.zeros(0)
        if self._trees is not None:
            return self._trees.scores(features)
        return (_frequency if self.text == FREQUENCY else _blend)(features, self._features)


def train_ranker(
    groups: TrainingGroups, features: Sequence[str], parameters: RecommendParameters, seed: int, threads: int
) -> Ranker:
    """LambdaMART on the groups; the same groups and seed give the same text.

    Some groups are kept for validation, which chooses the number of trees; then as many are trained on all groups.
    """
    import lightgbm  # a service that only answers does without it

    # Settings of its own: `recsys` may not import `models`, whose learners share theirs.
    options: dict[str, Any] = {
        "objective": "lambdarank",
        "lambdarank_truncation_level": 20,
        "metric": "ndcg",
        "eval_at": [20],
        "learning_rate": parameters.learning_rate,
        "num_leaves": parameters.leaves,
        "min_data_in_leaf": parameters.least_rows_per_leaf,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "bagging_by_query": True,
        "lambda_l2": 5.0,
        "max_bin": 63,
        "seed": seed,
        "num_threads": min(threads, 1 + len(groups.labels) // ROWS_PER_THREAD),
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }
    is_validation = np.random.default_rng(seed).random(len(groups.sizes)) < VALIDATION_SHARE

    def data_of(part: TrainingGroups) -> lightgbm.Dataset:
        return lightgbm.Dataset(part.features, label=part.labels, group=part.sizes, feature_name=list(features))

    stop = lightgbm.early_stopping(PATIENCE, verbose=False)
    train, validation = data_of(groups.where(~is_validation)), data_of(groups.where(is_validation))
    trial = lightgbm.train(options, train, parameters.trees, valid_sets=[validation], callbacks=[stop])
    booster = lightgbm.train(options, data_of(groups), max(trial.best_iteration, LEAST_TREES))
    return Ranker(features, booster.model_to_string())


def _blend(features: np.ndarray, names: Sequence[str]) -> np.ndarray:
    column = {name: place for place, name in enumerate(names)}
    score = sum((weight * features[:, column[name]] for name, weight in BLEND.items()), np.zeros(len(features)))
    return np.asarray(score + POPULARITY_TIE_BREAK * _popularity(features, column), np.float64)


def _frequency(features: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """How often the customer chose each item, the stronger kinds of interaction first; popularity breaks ties."""
    column = {name: place for place, name in enumerate(names)}
    counts = np.column_stack([features[:, column[f"{kind}_count"]] for kind in KINDS])
    return np.asarray(counts @ _KIND_WEIGHT ** np.arange(len(KINDS)) + _popularity(features, column) / 2, np.float64)


def _popularity(features: np.ndarray, column: dict[str, int]) -> np.ndarray:
    """This week's customers of each item, then this month's, at most 1.1."""
    shares = []
    for name in ("week", "month"):
        popular = np.log1p(features[:, column[name]].astype(np.float64))
        shares.append(popular / max(float(popular.max()), 1.0))
    return np.asarray(shares[0] + 0.1 * shares[1])
