"""Randomised campaigns whose every customer's uplift is known."""

import numpy as np
from scipy.special import expit

from models.uplift.meta_learners import Trial

FEATURES = 6


def persuadables(customers: int = 6000, seed: int = 1, contacted: float = 0.5) -> tuple[Trial, np.ndarray]:
    """Who orders anyway depends on the second feature; only those with a positive first are moved, by 0.2."""
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(customers, FEATURES))
    uplift = np.where(features[:, 0] > 0, 0.2, 0.0)
    return drawn(features, expit(features[:, 1] - 1.5) * 0.7, uplift, generator, contacted), uplift


def sloped(customers: int = 6000, seed: int = 4) -> tuple[Trial, np.ndarray]:
    """The uplift rises smoothly with the first feature, from none to 0.3."""
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(customers, FEATURES))
    uplift = 0.3 * expit(2 * features[:, 0])
    return drawn(features, expit(features[:, 1] - 1.5) * 0.7, uplift, generator), uplift


def unmoved(customers: int = 6000, seed: int = 2) -> Trial:
    """Contacting changes nobody; who orders is as above."""
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(customers, FEATURES))
    return drawn(features, expit(features[:, 1] - 1.5) * 0.7, np.zeros(customers), generator)


def proportional(customers: int = 6000, seed: int = 3) -> Trial:
    """Contacting makes everybody's orders half as likely again: who orders is also who is changed."""
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(customers, FEATURES))
    anyway = expit(1.5 * features[:, 1] - 2) * 0.6
    return drawn(features, anyway, anyway / 2, generator)


def drawn(
    features: np.ndarray, anyway: np.ndarray, uplift: np.ndarray, generator: np.random.Generator, contacted: float = 0.5
) -> Trial:
    """Draw arms and outcomes."""
    treated = (generator.random(len(features)) < contacted).astype(np.int64)
    outcome = (generator.random(len(features)) < anyway + treated * uplift).astype(np.int64)
    return Trial(features, treated, outcome, np.ones(len(features)))
