"""Explanations: the right facts, in the right order, with their direction."""

import math

import numpy as np
import pytest

from models.churn.explanations import LOWERS, NOTHING_RAISES, explain_lapse, explain_risk, topic_contributions
from models.customers.features import MODEL_FEATURES, REFUNDS, RHYTHM

NAMES = list(MODEL_FEATURES)
USUAL = {
    "recency_days": 64.2,
    "mean_gap_days": 31.0,
    "orders": 5.0,
    "orders_365d": 4.0,
    "tenure_days": 200.0,
    "revenue": 120.0,
    "average_order_value": 24.0,
    "items": 1.0,
    "items_per_order": 1.5,
    "visit_recency_days": 45.0,
    "visit_days_30d": 0.0,
    "visit_days_90d": 6.0,
    "refund_share": 0.25,
}


def explained(band: str, contributions: dict[str, float], **numbers: float) -> list[str | None]:
    features = np.array([[(USUAL | numbers).get(name, 0.0) for name in NAMES]])
    weights = np.array([[contributions.get(name, 0.0) for name in NAMES]])
    return explain_risk(features, weights, np.array([band]))[0]


def test_a_high_risk_is_explained_by_what_raises_it_first() -> None:
    contributions = {"recency_days": 0.5, "visit_days_30d": 0.3, "revenue": -0.9}
    assert explained("high", contributions) == [
        "ordered every 31 days; now 64 days without an order",
        "last visited 45 days ago",
        "lowers the risk: spent 24.00 per order, 120.00 in all",
    ]


def test_a_low_risk_is_explained_by_what_lowers_it_first() -> None:
    first, second, third = explained(
        "low", {"recency_days": -0.2, "refund_share": 0.9, "tenure_days": -0.3}, recency_days=3
    )
    assert first == "lowers the risk: customer for 200 days"
    assert second == "lowers the risk: ordered 3 days ago; every 31 days on average"
    assert third == "sent back 25% of what was ordered"


def test_a_medium_risk_is_explained_by_what_raises_it_most_then_by_what_lowers_it_most() -> None:
    contributions = {"items": -0.5, "tenure_days": 0.1, "orders": 0.2, "revenue": -0.1}
    assert explained("medium", contributions) == [
        "only 5 orders in all, 4 in the last 365 days",
        "customer for 200 days",
        "lowers the risk: bought 1 different item, 1.5 per order",
    ]


@pytest.mark.parametrize("band", ["high", "medium"])
def test_an_elevated_risk_that_nothing_raises_says_so_first(band: str) -> None:
    assert explained(band, {"revenue": -0.9, "tenure_days": 0.001}) == [
        NOTHING_RAISES,
        "lowers the risk: spent 24.00 per order, 120.00 in all",
        None,
    ]


def test_a_low_risk_that_nothing_raises_is_explained_by_what_lowers_it() -> None:
    assert explained("low", {"revenue": -0.9})[0] == "lowers the risk: spent 24.00 per order, 120.00 in all"


def test_orders_that_are_all_of_the_last_year_are_told_once() -> None:
    first, *_ = explained("high", {"orders": 0.2}, orders=5, orders_365d=5)
    assert first == "only 5 orders in all, all in the last 365 days"


def test_negligible_contributions_are_left_out() -> None:
    assert explained("high", {"recency_days": 1.0, "orders": 0.001}) == [
        "ordered every 31 days; now 64 days without an order", None, None
    ]  # fmt: skip


def test_features_of_one_topic_are_one_explanation() -> None:
    sentences = explained("high", {"recency_days": 0.5, "gap_ratio": 0.5, "orders_90d": 0.5})
    assert sentences[1:] == [None, None]


@pytest.mark.parametrize(
    ("numbers", "raises", "words"),
    [
        ({"mean_gap_days": math.nan}, True, "ordered on one day only, 64 days ago"),
        ({"mean_gap_days": math.nan, "recency_days": 0.1}, False, "first ordered, today"),
        ({"recency_days": 1.0, "mean_gap_days": 90.0}, True, "orders only every 90 days"),
        ({"recency_days": 1.0}, False, "ordered 1 day ago; every 31 days on average"),
        ({}, False, "ordered every 31 days"),
    ],
)
def test_rhythm_in_words(numbers: dict[str, float], raises: bool, words: str) -> None:
    (first, *_) = explained("high" if raises else "low", {"recency_days": 1.0 if raises else -1.0}, **numbers)
    assert first == ("" if raises else LOWERS) + words


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"visit_recency_days": math.nan}, "no visit is known"),
        ({"visit_days_30d": 1.0, "visit_days_90d": 8.0}, "visited on 1 day of the last 30, 3.5 a month before"),
    ],
)
def test_visits_in_words(numbers: dict[str, float], words: str) -> None:
    assert explained("high", {"visit_days_30d": 1.0}, **numbers)[0] == words


def test_topics_keep_the_sum() -> None:
    contributions = np.random.default_rng(0).normal(size=(5, len(NAMES)))
    topics, weights = topic_contributions(contributions)
    assert np.allclose(weights.sum(axis=1), contributions.sum(axis=1))
    assert np.allclose(weights[:, topics.index(REFUNDS)], contributions[:, NAMES.index("refund_share")])
    assert topics[0] == RHYTHM


def test_a_lapse_is_explained_by_the_rhythm() -> None:
    numbers = {"recency_days": 400.0, "mean_gap_days": 31.0}
    assert explain_lapse(numbers) == "ordered every 31 days; now 400 days without an order"
