"""Logistic regression: the sign it should find, missing numbers, constants, round trip."""

import json

import numpy as np

from models.statistics.logistic_regression import LogisticModel


def world() -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(0)
    features = np.column_stack([chance.exponential(30, 2000), chance.exponential(5, 2000), np.full(2000, 1.1)])
    outcome = (chance.random(2000) < np.where(features[:, 0] > 20, 0.8, 0.2)).astype(np.int8)
    features[chance.random(2000) < 0.2, 1] = np.nan
    return features, outcome


def test_it_finds_what_matters_and_a_constant_does_not() -> None:
    model = LogisticModel.fit(*world(), inverse_penalty=1.0)
    assert model.weights[0] > 1
    assert abs(model.weights[1]) < 0.2
    assert abs(model.weights[2]) < 1e-9
    # A number that never varied in training says nothing either when it suddenly does.
    assert model.contributions(np.array([[5.0, 5.0, 99.0]]))[0, 2] < 1e-9


def test_contributions_add_up_and_what_is_missing_adds_nothing() -> None:
    features, outcome = world()
    model = LogisticModel.fit(features, outcome, inverse_penalty=1.0)
    contributions = model.contributions(features)
    assert np.allclose(contributions.sum(axis=1) + model.intercept, model.score(features))
    assert (contributions[np.isnan(features)] == 0).all()


def test_round_trip() -> None:
    features, outcome = world()
    model = LogisticModel.fit(features, outcome, inverse_penalty=1.0)
    again = LogisticModel.from_json(json.loads(json.dumps(model.to_json())))
    assert np.array_equal(again.score(features), model.score(features))
