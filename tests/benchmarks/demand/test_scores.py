from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from benchmarks.demand.data import LEVELS, Answer, Origin
from benchmarks.demand.scores import Judge, averaged, pinball_losses, tied_coverage
from models.demand.frequency import DAY
from models.demand.panel import CLASSES, Panel, demand_class

FIRST = np.datetime64("2025-01-01")


def origin_of(past: np.ndarray, actual: np.ndarray, is_scored: np.ndarray | None = None) -> Origin:
    known = np.ones(past.shape, dtype=bool)
    panel = Panel(past.astype(np.float32), known, FIRST, DAY)
    scored = np.ones(actual.shape, dtype=bool) if is_scored is None else is_scored
    return Origin(panel, actual.astype(np.float32), scored, demand_class(panel, known), frozenset())


def flat(mean: np.ndarray, width: float = 0.0) -> Answer:
    """A point with every quantile `width` away from it, on its side."""
    return Answer(mean, mean[..., None] + width * np.sign(np.array(LEVELS) - 0.5))


def test_metrics_are_what_a_hand_computes() -> None:
    past = np.tile([0.0, 4.0, 6.0, 4.0, 6.0], (2, 20))
    past[:, :1] = 0
    actual = np.array([[10.0, 20.0], [10.0, 0.0]])
    answer = replace(flat(np.array([[8.0, 20.0], [14.0, 2.0]])), mean=np.array([[7.0, 24.0], [13.0, 4.0]]))
    judge = Judge.of(origin_of(past, actual))
    found = judge.scores(answer)
    assert found["wape"] == pytest.approx((2 + 0 + 4 + 2) / 40)
    assert found["rmspe"] == pytest.approx(np.sqrt((0.2**2 + 0 + 0.4**2) / 3))
    scale = judge.squared_scale[0]
    assert scale == pytest.approx(np.square(np.diff(past[0, 1:])).mean())
    assert found["rmsse"] == pytest.approx((np.sqrt(12.5 / scale) + np.sqrt(12.5 / scale)) / 2)
    # With all quantiles on one point the loss is the share of the miss that the level charges.
    losses = [2 * np.mean([0.1, 0.5, 0.9]), 0, 4 * np.mean([0.9, 0.5, 0.1]), 2 * np.mean([0.9, 0.5, 0.1])]
    assert found["pinball"] == pytest.approx(np.mean(losses) / 10)
    assert found["pinball_units"] == pytest.approx(np.mean(losses))
    assert found["bias"] == pytest.approx((-3 + 4 + 3 + 4) / 40)
    assert (found["below_low"], found["above_high"]) == (0.5, 0.25)
    assert (found["series"], found["cells"]) == (2, 4)


def test_cells_that_do_not_count_change_nothing() -> None:
    past, actual = np.tile([3.0, 5.0], (3, 20)), np.full((3, 4), 6.0)
    is_scored = np.tile([True, True, False, True], (3, 1))
    odd = np.where(is_scored, actual, 999.0)
    answer = flat(np.full((3, 4), 5.0), 2)
    with_odd, without = (Judge.of(origin_of(past, values, is_scored)).scores(answer) for values in (odd, actual))
    assert with_odd == without
    assert Judge.of(origin_of(past, odd)).scores(answer)["wape"] > 0.9  # the control: counted, they would


def test_series_that_never_sold_are_apart() -> None:
    past, actual = np.tile([3.0, 5.0], (3, 20)), np.full((3, 2), 6.0)
    past[2] = 0
    actual[2] = 500
    found = Judge.of(origin_of(past, actual)).scores(flat(actual * 0 + 6))
    assert (found["wape"], found["series"]) == (0, 2)
    assert found["classes"]["all_zero"]["cells"] == 2
    assert found["classes"]["all_zero"]["rmsse"] is None
    assert found["classes"]["new"] == {"series": 0, "cells": 0}


@pytest.mark.parametrize(("shrunk", "holds"), [(1.0, True), (0.7, False), (1.4, False)])
def test_coverage_holds_for_the_true_band_alone(shrunk: float, holds: bool) -> None:
    generator = np.random.default_rng(1)
    past, actual = generator.gamma(5, 2, (300, 60)), generator.gamma(5, 2, (300, 28))
    true = stats.gamma(5, scale=2).ppf(LEVELS)
    quantiles = true[4] + shrunk * (true - true[4])
    answer = Answer(np.full(actual.shape, 10.0), np.broadcast_to(quantiles, (*actual.shape, len(LEVELS))))
    found = Judge.of(origin_of(past, actual)).scores(answer)
    assert (abs(found["coverage_80"] - 0.8) < 0.03) is holds
    assert found["coverage_80"] == pytest.approx(1 - found["below_low"] - found["above_high"])


@pytest.mark.parametrize(("widened", "holds"), [(0, True), (-1, False), (2, False)])
def test_ties_do_not_hide_a_wrong_end(widened: int, holds: bool) -> None:
    generator = np.random.default_rng(3)
    past, actual = generator.poisson(1.0, (300, 60)), generator.poisson(1.0, (300, 28))
    quantiles = stats.poisson(1.0).ppf(LEVELS)
    quantiles[5:] += widened
    answer = Answer(np.ones(actual.shape), np.broadcast_to(quantiles, (*actual.shape, len(LEVELS))))
    found = Judge.of(origin_of(past, actual)).scores(answer)
    assert found["coverage_80"] > 0.9 or not holds  # no sale is below a low end of 0
    assert (abs(found["coverage_80_tied"] - 0.8) < 0.03) is holds


def test_without_ties_the_coverage_is_the_plain_one() -> None:
    assert tied_coverage({"below_low": 0.15, "at_low": 0.0, "above_high": 0.04, "at_high": 0.0}) == pytest.approx(0.81)


def test_the_true_quantiles_lose_least() -> None:
    actual = np.random.default_rng(2).gamma(2, 3, 20000)
    true = stats.gamma(2, scale=3).ppf(LEVELS)
    for factor in (0.8, 1.2):
        worse = pinball_losses(actual, np.tile(true * factor, (20000, 1))).mean(axis=0)
        assert (pinball_losses(actual, np.tile(true, (20000, 1))).mean(axis=0) < worse).all()


def test_origins_count_alike_but_coverage_by_cells() -> None:
    classes = {name: {"series": 0, "cells": 0} for name in CLASSES}
    one = {"series": 3, "cells": 30, "wape": 0.1, "rmsse": None, "coverage_80": 0.9, "classes": classes}
    two = {"series": 1, "cells": 10, "wape": 0.3, "rmsse": 0.5, "coverage_80": 0.5, "classes": classes}
    found = averaged([one, two])
    found["wape"] = round(found["wape"], 9)
    assert found == {"series": 4, "cells": 40, "wape": 0.2, "rmsse": 0.5, "coverage_80": 0.8, "classes": classes}
