"""The baseline knows that silence grows risk, and nothing else."""

import numpy as np

from models.churn.recency_baseline import RecencyModel


def test_longer_silence_is_higher_risk() -> None:
    chance = np.random.default_rng(0)
    recency = chance.uniform(0, 100, 2000)
    outcome = (chance.random(2000) < recency / 100).astype(np.int8)
    model = RecencyModel.fit((recency[:1000], outcome[:1000]), (recency[1000:], outcome[1000:]))
    risk = model.risk(np.array([1.0, 20.0, 50.0, 99.0]))
    assert (np.diff(risk) > 0).all()
    assert abs(risk[2] - 0.5) < 0.15
