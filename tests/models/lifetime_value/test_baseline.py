"""The mean-rate baseline continues the past."""

import numpy as np

from models.customers.features import FEATURES
from models.lifetime_value.baseline import REVENUE, TENURE, MeanRateBaseline


def test_spend_goes_on_at_the_mean_rate_and_a_short_tenure_counts_as_the_horizon() -> None:
    features = np.full((3, len(FEATURES)), 99.0)
    features[:, REVENUE], features[:, TENURE] = [90.0, 90.0, 0.0], [180.0, 10.0, 50.0]
    assert MeanRateBaseline(30).predict(features).tolist() == [15.0, 90.0, 0.0]
