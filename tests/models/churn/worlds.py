"""Churn cases with a planted rule."""

import numpy as np

from models.churn.model import ChurnCases
from models.customers.features import MODEL_FEATURES

NAMES = list(MODEL_FEATURES)
Labelled = tuple[np.ndarray, np.ndarray]


def labelled(cases: int, seed: int) -> Labelled:
    """Customers churn where they have been silent for longer than their own gap; half of them ordered only once."""
    chance = np.random.default_rng(seed)
    features = chance.exponential(10, (cases, len(NAMES)))
    ratio = chance.exponential(1, cases)
    outcome = (chance.random(cases) < np.where(ratio > 1, 0.85, 0.15)).astype(np.int8)
    features[:, NAMES.index("gap_ratio")] = np.where(chance.random(cases) < 0.5, ratio, np.nan)
    features[:, NAMES.index("recency_days")] = ratio * 30 * chance.uniform(0.7, 1.3, cases)
    return features, outcome


def training_cases(earlier: Labelled, latest: Labelled) -> ChurnCases:
    return ChurnCases.concatenated({0: latest, 1: earlier}, known_from=1)
