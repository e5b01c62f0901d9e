"""Randomised experiments in which the uplift of every customer is known."""

import numpy as np
from scipy.special import expit

from models.uplift.experiment import ExperimentData

FEATURES = 6


def persuadables(customers: int = 6000, seed: int = 1, treated_share: float = 0.5) -> tuple[ExperimentData, np.ndarray]:
    """P(order) depends on the second feature; contacting adds 0.2 where the first is positive."""
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(customers, FEATURES))
    uplift = np.where(features[:, 0] > 0, 0.2, 0.0)
    return drawn(features, expit(features[:, 1] - 1.5) * 0.7, uplift, generator, treated_share), uplift


def sloped(customers: int = 6000, seed: int = 4) -> tuple[ExperimentData, np.ndarray]:
    """The uplift rises smoothly with the first feature, from none to 0.3."""
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(customers, FEATURES))
    uplift = 0.3 * expit(2 * features[:, 0])
    return drawn(features, expit(features[:, 1] - 1.5) * 0.7, uplift, generator), uplift


def unmoved(customers: int = 6000, seed: int = 2) -> ExperimentData:
    """Contacting changes nothing; P(order) is as above."""
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(customers, FEATURES))
    return drawn(features, expit(features[:, 1] - 1.5) * 0.7, np.zeros(customers), generator)


def proportional(customers: int = 6000, seed: int = 3) -> ExperimentData:
    """Contacting multiplies P(order) by 1.5, so that the response and the uplift rank alike."""
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(customers, FEATURES))
    baseline_rate = expit(1.5 * features[:, 1] - 2) * 0.6
    return drawn(features, baseline_rate, baseline_rate / 2, generator)


def drawn(
    features: np.ndarray,
    baseline_rate: np.ndarray,
    uplift: np.ndarray,
    generator: np.random.Generator,
    treated_share: float = 0.5,
) -> ExperimentData:
    """Draw arms and outcomes."""
    treated = (generator.random(len(features)) < treated_share).astype(np.int64)
    outcome = (generator.random(len(features)) < baseline_rate + treated * uplift).astype(np.int64)
    return ExperimentData(features, treated, outcome, np.ones(len(features)), np.arange(len(features)))
