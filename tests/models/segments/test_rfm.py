"""RFM scores of customers whose rank is known, and segments that agree with the lifecycle stage."""

import json

import numpy as np
import pytest

from models.segments.lifecycle import ACTIVE, COOLING, LAPSED, NEW, WON_BACK
from models.segments.rfm import (
    ABOUT_TO_SLEEP,
    AT_RISK,
    CANT_LOSE,
    CHAMPIONS,
    HIBERNATING,
    LOST,
    LOYAL,
    NEEDS_ATTENTION,
    NEW_CUSTOMERS,
    POTENTIAL_LOYALISTS,
    PROMISING,
    SEGMENTS,
    RfmModel,
    rfm_segments,
    rfm_values,
)

GONE = {AT_RISK, CANT_LOSE, HIBERNATING, LOST}


def scores_of(column: list[float]) -> list[int]:
    """The scores of one measure; the other two are the same."""
    values = np.column_stack([np.array(column)] * 3)
    scores = RfmModel.fit(values).scores(values)
    assert (scores == scores[:, :1]).all()
    return [int(score) for score in scores[:, 0]]


def test_without_ties_every_score_is_a_fifth() -> None:
    assert scores_of(list(range(10))) == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_who_is_tied_shares_a_score_and_one_time_buyers_score_one() -> None:
    assert scores_of([1] * 7 + [2, 2, 3]) == [1] * 7 + [4, 4, 5]


@pytest.mark.parametrize("column", [[4.0], [4.0, 4.0, 4.0], [1.0, 2.0], [1, 1, 1, 1, 1, 9]], ids=str)
def test_few_or_tied_customers_keep_their_order(column: list[float]) -> None:
    scores = scores_of(column)
    assert min(scores) == 1
    assert all(
        (a < b) == (x < y) for a, x in zip(column, scores, strict=True) for b, y in zip(column, scores, strict=True)
    )


def test_more_is_never_scored_lower() -> None:
    random = np.random.default_rng(4)
    column = np.round(random.gamma(0.5, 4, 500))
    scores = np.array(scores_of(column.tolist()))[np.argsort(column, kind="stable")]
    assert (np.diff(scores) >= 0).all()
    assert (scores[0], scores[-1]) == (1, 5)  # many are tied, so that a score between may have nobody


def test_recency_scores_high_where_the_last_order_is_recent_and_hours_do_not_count() -> None:
    values = rfm_values(np.array([0.2, 0.9, 50.0, 100.0]), np.ones(4), np.ones(4))
    first, second, third, fourth = RfmModel.fit(values).scores(values)[:, 0].tolist()
    assert first == second > third > fourth


def test_json_round_trip_where_a_score_is_never_reached() -> None:
    values = np.array([[1.0, 1.0, 1.0]] * 7 + [[2.0, 2.0, 9.0]] * 3)
    model = RfmModel.fit(values)
    copy = RfmModel.from_json(json.loads(json.dumps(model.to_json(), allow_nan=False)))
    assert (copy.scores(values) == model.scores(values)).all()
    assert np.isinf(model.edges).any()


def named(recency: int, frequency: int, money: int, order_days: int, stage: str) -> str:
    segments = rfm_segments(np.array([[recency, frequency, money]]), np.array([order_days]), np.array([stage]))
    return str(segments[0])


@pytest.mark.parametrize(
    ("numbers", "stage", "segment"),
    [
        ((5, 5, 5, 9), ACTIVE, CHAMPIONS),
        ((4, 4, 4, 6), ACTIVE, LOYAL),
        ((5, 2, 2, 2), ACTIVE, POTENTIAL_LOYALISTS),
        ((5, 1, 4, 1), NEW, NEW_CUSTOMERS),
        ((3, 1, 4, 1), NEW, PROMISING),
        ((3, 4, 4, 6), COOLING, NEEDS_ATTENTION),
        ((3, 1, 1, 1), COOLING, ABOUT_TO_SLEEP),
        ((2, 4, 4, 6), LAPSED, AT_RISK),
        ((1, 5, 5, 9), LAPSED, CANT_LOSE),
        ((2, 2, 2, 2), LAPSED, HIBERNATING),
        ((1, 1, 1, 1), LAPSED, LOST),
    ],
)
def test_every_segment_has_its_customer(numbers: tuple[int, int, int, int], stage: str, segment: str) -> None:
    assert named(*numbers, stage) == segment


def test_there_are_eleven_names() -> None:
    assert len(SEGMENTS) == 11


def test_a_name_never_contradicts_the_stage_whatever_the_fifths() -> None:
    for recency in range(1, 6):
        for worth in range(1, 6):
            for order_days in (1, 2):
                for stage in (NEW, ACTIVE, WON_BACK):
                    assert named(recency, worth, worth, order_days, stage) not in GONE
                assert named(recency, worth, worth, order_days, LAPSED) in GONE
    # The control: by quintiles alone a customer of a slow store would be new.
    assert named(5, 1, 1, 1, NEW) == NEW_CUSTOMERS
