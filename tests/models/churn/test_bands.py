"""Bands against the store's own average."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.churn.bands import HIGH, LOW, MEDIUM, churn_bands

PROBABILITY = st.floats(0, 1)


@pytest.mark.parametrize(
    ("risk", "base_rate", "band"),
    [
        (0.5, 0.5, MEDIUM),
        (0.67, 0.5, HIGH),
        (0.66, 0.5, MEDIUM),
        (0.33, 0.5, LOW),
        (0.34, 0.5, MEDIUM),
        (0.67, 0.8, MEDIUM),  # below the average of a store that loses most
        (0.2, 0.1, HIGH),  # twice the average of a store that loses few
    ],
)
def test_bands_are_relative_to_the_store(risk: float, base_rate: float, band: str) -> None:
    assert churn_bands(np.array([risk]), base_rate, np.array([99.0]), 30.0).tolist() == [band]


@given(PROBABILITY, st.floats(0.01, 0.99), st.floats(0, 30))
def test_who_just_ordered_is_never_high(risk: float, base_rate: float, recency_days: float) -> None:
    assert churn_bands(np.array([risk]), base_rate, np.array([recency_days]), 30.0)[0] != HIGH


def test_certainty_is_high() -> None:
    assert churn_bands(np.array([1.0]), 0.5, np.array([99.0]), 30.0).tolist() == [HIGH]
