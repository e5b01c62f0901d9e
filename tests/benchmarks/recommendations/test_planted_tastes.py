"""The oracle of the simulated store: it must know who likes what, or the share of the gain means nothing."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from benchmarks.recommendations.planted_tastes import Life, live, oracle_metrics, share
from pipelines.simulate.parameters import StoreParameters
from recsys.data.interactions import KINDS
from recsys.training.examples import Examples


@cache
def lived() -> tuple[Life, Examples]:
    life = live(StoreParameters(customers=800, items=150, days=120))
    examples = Examples.next_period(life.interactions, life.window, KINDS.index("order"))
    return life, examples.where(life.is_planted[examples.customers])


def oracle_recall(life: Life, examples: Examples) -> float:
    found = oracle_metrics(life, examples, draws=10)["recall_at_20"]
    assert found is not None
    return found


def test_the_oracle_knows_who_likes_what() -> None:
    life, examples = lived()
    others = np.random.default_rng(0).permutation(examples.customers)
    mine, strangers = oracle_recall(life, examples), oracle_recall(life, replace(examples, customers=others))
    assert len(examples) > 50
    assert mine > 1.5 * strangers


def test_the_customers_are_kept_as_they_were_when_the_window_began() -> None:
    life, _ = lived()
    due = life.customers.staple_due.copy()
    oracle_recall(*lived())
    np.testing.assert_array_equal(life.customers.staple_due, due)
    assert int(life.interactions.times.max()) < life.window.stop
    assert int(life.interactions.before(life.window.start).times.max()) < life.window.start


def test_the_share_is_of_what_can_be_gained() -> None:
    assert share(0.3, 0.2, 0.4) == pytest.approx(0.5)
    assert share(0.2, 0.2, 0.4) == 0
    assert share(0.3, 0.4, 0.4) is None
    assert share(None, 0.2, 0.4) is None
