"""Explanations of a customer's churn risk: up to three sentences for marketers."""

import math
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from models.churn.bands import LOW
from models.customers.features import FREQUENCY, MODEL_FEATURES, RANGE, REFUNDS, RHYTHM, SPEND, TENURE, VISITS

EXPLANATIONS: Final = 3  # per customer
NEGLIGIBLE: Final = 0.005  # log-odds
LOWERS: Final = "lowers the risk: "
NOTHING_RAISES: Final = "nothing raises the risk above this store's average"

Features = Mapping[str, float]  # of one customer; NaN where missing


def topic_contributions(contributions: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The topics, and what each adds to the log-odds, (customers, topics): the sum over the topic's features."""
    topics = list(dict.fromkeys(feature.topic for feature in MODEL_FEATURES.values()))
    belongs = np.array(
        [[feature.topic == topic for topic in topics] for feature in MODEL_FEATURES.values()], dtype=float
    )
    return topics, contributions @ belongs


def explain_risk(features: np.ndarray, contributions: np.ndarray, bands: np.ndarray) -> list[list[str | None]]:
    """Three sentences per customer, the strongest first; None where there are fewer.

    `features` and `contributions` are (customers, features), `bands` (customers,). For a high risk, topics that raise
    it come first; for a low one, those that lower it; for a medium one, the strongest that raise it, then the strongest
    that lower it. A sentence says if its topic lowers the risk. Where the risk is not low and no topic raises it, the
    first sentence says so.
    """
    topics, weights = topic_contributions(contributions)
    order = np.argsort(-np.where(bands == "high", 1, -1)[:, None] * weights, axis=1, kind="stable")
    raising_first = np.lexsort((-np.abs(weights), weights <= 0), axis=1)
    order = np.where((bands == "medium")[:, None], raising_first, order)
    names = list(MODEL_FEATURES)
    return [
        _sentences(dict(zip(names, row.tolist(), strict=True)), [(topics[t], weight[t]) for t in chosen], band != LOW)
        for row, weight, chosen, band in zip(features, weights.tolist(), order.tolist(), bands, strict=True)
    ]


def explain_lapse(features: Features) -> str:
    """Why a customer counts as lapsed."""
    return _rhythm(features, True)


def _sentences(features: Features, weighted: list[tuple[str, float]], is_elevated: bool) -> list[str | None]:
    notable = [(topic, weight) for topic, weight in weighted if abs(weight) >= NEGLIGIBLE]
    sentences = [("" if weight > 0 else LOWERS) + _SENTENCES[topic](features, weight > 0) for topic, weight in notable]
    if is_elevated and not any(weight > 0 for _, weight in notable):
        sentences.insert(0, NOTHING_RAISES)
    chosen: list[str | None] = [*sentences[:EXPLANATIONS]]
    return chosen + [None] * (EXPLANATIONS - len(chosen))


def _rhythm(features: Features, raises: bool) -> str:
    recency, gap = features["recency_days"], features["mean_gap_days"]
    if math.isnan(gap):
        return f"{'ordered on one day only' if raises else 'first ordered'}, {_ago(recency)}"
    if recency > gap:
        return (
            f"ordered every {_days(gap)}; now {_days(recency)} without an order"
            if raises
            else f"ordered every {_days(gap)}"
        )
    return f"orders only every {_days(gap)}" if raises else f"ordered {_ago(recency)}; every {_days(gap)} on average"


def _frequency(features: Features, raises: bool) -> str:
    only = "only " if raises else ""
    orders, recent = round(features["orders"]), round(features["orders_365d"])
    latest = "all" if recent == orders > 1 else f"{recent}"
    return f"{only}{_count(orders, 'order')} in all, {latest} in the last 365 days"


def _tenure(features: Features, raises: bool) -> str:
    return f"customer for {_days(features['tenure_days'])}"


def _spend(features: Features, raises: bool) -> str:
    return f"spent {features['average_order_value']:.2f} per order, {features['revenue']:.2f} in all"


def _range(features: Features, raises: bool) -> str:
    return f"bought {_count(features['items'], 'different item')}, {features['items_per_order']:.1f} per order"


def _visits(features: Features, raises: bool) -> str:
    recency = features["visit_recency_days"]
    if math.isnan(recency):
        return "no visit is known"
    if not features["visit_days_30d"]:
        return f"last visited {_ago(recency)}"
    before = (features["visit_days_90d"] - features["visit_days_30d"]) / 2
    return f"visited on {_days(features['visit_days_30d'])} of the last 30, {before:.1f} a month before"


def _refunds(features: Features, raises: bool) -> str:
    share = features["refund_share"]
    return f"sent back {share:.0%} of what was ordered" if share > 0 else "sent nothing back"


_SENTENCES: Final[dict[str, Callable[[Features, bool], str]]] = {
    RHYTHM: _rhythm,
    FREQUENCY: _frequency,
    TENURE: _tenure,
    SPEND: _spend,
    RANGE: _range,
    VISITS: _visits,
    REFUNDS: _refunds,
}


def _days(number: float) -> str:
    return _count(number, "day")


def _ago(days: float) -> str:
    return f"{_days(days)} ago" if round(days) else "today"


def _count(number: float, noun: str) -> str:
    rounded = round(number)
    return f"{rounded} {noun}" if rounded == 1 else f"{rounded} {noun}s"
