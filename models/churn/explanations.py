"""Why a customer's churn risk is what it is: three reasons in a marketer's words."""

import math
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from models.customers.features import FREQUENCY, MODEL_FEATURES, RANGE, REFUNDS, RHYTHM, SPEND, TENURE, VISITS

REASONS: Final = 3
NEGLIGIBLE: Final = 0.005  # log-odds
LOWERS: Final = "lowers the risk: "

Numbers = Mapping[str, float]  # of one customer; NaN where missing


def topic_contributions(contributions: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The topics, and what each adds to the log-odds, (customers, topics): features that say the same are one."""
    topics = list(dict.fromkeys(feature.topic for feature in MODEL_FEATURES.values()))
    belongs = np.array(
        [[feature.topic == topic for topic in topics] for feature in MODEL_FEATURES.values()], dtype=float
    )
    return topics, contributions @ belongs


def churn_reasons(features: np.ndarray, contributions: np.ndarray, bands: np.ndarray) -> list[list[str | None]]:
    """Three reasons per customer, the weightiest first; None where there are fewer.

    `features` and `contributions` are (customers, features), `bands` (customers,). A high risk is explained by what
    raises it first, a low one by what lowers it; whatever lowers the risk says so.
    """
    topics, weights = topic_contributions(contributions)
    order = np.argsort(-np.where(bands == "high", 1, -1)[:, None] * weights, axis=1, kind="stable")
    by_size = np.argsort(-np.abs(weights), axis=1, kind="stable")
    order = np.where((bands == "medium")[:, None], by_size, order)
    names = list(MODEL_FEATURES)
    return [
        _sentences(dict(zip(names, row.tolist(), strict=True)), [(topics[t], weight[t]) for t in chosen])
        for row, weight, chosen in zip(features, weights.tolist(), order.tolist(), strict=True)
    ]


def lapse_reason(numbers: Numbers) -> str:
    """Why a customer counts as lapsed."""
    return _rhythm(numbers, True)


def _sentences(numbers: Numbers, weighted: list[tuple[str, float]]) -> list[str | None]:
    told = [
        ("" if weight > 0 else LOWERS) + _SENTENCES[topic](numbers, weight > 0)
        for topic, weight in weighted
        if abs(weight) >= NEGLIGIBLE
    ]
    chosen: list[str | None] = [*told[:REASONS]]
    return chosen + [None] * (REASONS - len(chosen))


def _rhythm(numbers: Numbers, raises: bool) -> str:
    recency, gap = numbers["recency_days"], numbers["mean_gap_days"]
    if math.isnan(gap):
        return f"{'ordered on one day only' if raises else 'first ordered'}, {_ago(recency)}"
    if recency > gap:
        return (
            f"ordered every {_days(gap)}; now {_days(recency)} without an order"
            if raises
            else f"ordered every {_days(gap)}"
        )
    return f"orders only every {_days(gap)}" if raises else f"ordered {_ago(recency)}; every {_days(gap)} on average"


def _frequency(numbers: Numbers, raises: bool) -> str:
    only = "only " if raises else ""
    return f"{only}{_count(numbers['orders'], 'order')} in all, {numbers['orders_365d']:.0f} in the last 365 days"


def _tenure(numbers: Numbers, raises: bool) -> str:
    return f"customer for {_days(numbers['tenure_days'])}"


def _spend(numbers: Numbers, raises: bool) -> str:
    return f"spent {numbers['average_order_value']:.2f} per order, {numbers['revenue']:.2f} in all"


def _range(numbers: Numbers, raises: bool) -> str:
    return f"bought {_count(numbers['items'], 'different item')}, {numbers['items_per_order']:.1f} per order"


def _visits(numbers: Numbers, raises: bool) -> str:
    recency = numbers["visit_recency_days"]
    if math.isnan(recency):
        return "no visit is known"
    if not numbers["visit_days_30d"]:
        return f"last visited {_ago(recency)}"
    before = (numbers["visit_days_90d"] - numbers["visit_days_30d"]) / 2
    return f"visited on {_days(numbers['visit_days_30d'])} of the last 30, {before:.1f} a month before"


def _refunds(numbers: Numbers, raises: bool) -> str:
    share = numbers["refund_share"]
    return f"sent back {share:.0%} of what was ordered" if share > 0 else "sent nothing back"


_SENTENCES: Final[dict[str, Callable[[Numbers, bool], str]]] = {
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
