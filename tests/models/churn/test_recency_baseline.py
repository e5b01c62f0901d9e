"""The recency baseline: longer silence is a higher risk, and nothing else matters."""

import numpy as np

from models.churn.recency_baseline import RECENCY, RecencyBaseline
from tests.models.churn.worlds import NAMES, training_cases


def test_longer_silence_is_higher_risk_and_other_features_do_not_matter() -> None:
    chance = np.random.default_rng(0)
    features = chance.uniform(0, 100, (2000, len(NAMES)))
    outcome = (chance.random(2000) < features[:, RECENCY[0]] / 100).astype(np.int8)
    cases = training_cases((features[:1000], outcome[:1000]), (features[1000:], outcome[1000:]))
    baseline, test = RecencyBaseline.fit(cases), np.zeros((4, len(NAMES)))
    test[:, RECENCY[0]] = [1.0, 20.0, 50.0, 99.0]
    risk = baseline.predict(test)
    assert (np.diff(risk) > 0).all()
    assert abs(risk[2] - 0.5) < 0.15
    others = np.where(np.arange(len(NAMES)) == RECENCY[0], test, 77.0)
    assert np.array_equal(baseline.predict(others), risk)
