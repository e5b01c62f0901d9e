import math

import pytest

from contracts import columns as c
from contracts.bundle import Replay
from contracts.errors import BundleRefused
from serving.answers.replay import check_replays, is_same
from serving.answers.tables.table import ServedTable
from tests.serving.shop import customers_table


@pytest.mark.parametrize(
    ("answered", "expected", "same"),
    [
        (1.0, 1.00001, True),
        (1.0, 1.01, False),
        (1, 1.0, True),
        (True, 1, False),
        (None, None, True),
        (None, 0.0, False),
        (["a", 1.0], ("a", 1.0), True),
        (["a"], ["a", "b"], False),
        ("a", "b", False),
        (math.nan, math.nan, False),
    ],
)
def test_same_as_json_within_a_rounding_error(answered: object, expected: object, same: bool) -> None:
    assert is_same(answered, expected) is same


@pytest.mark.parametrize(
    ("customer", "expected", "is_refused"),
    [
        ("customer-01", {"churn_band": "low"}, False),
        ("customer-01", {"churn_band": "high"}, True),
        ("customer-01", {"no_such_column": 1}, True),
        ("nobody", {}, True),
    ],
)
def test_a_customers_row_must_be_what_it_was(customer: str, expected: dict[str, object], is_refused: bool) -> None:
    replay = Replay(route="customer", request={c.CUSTOMER_ID: customer}, expected=expected)
    tables = {"customers": ServedTable(customers_table(), c.CUSTOMER_ID)}
    if not is_refused:
        check_replays({"churn": [replay]}, None, tables)
        return
    with pytest.raises(BundleRefused):
        check_replays({"churn": [replay]}, None, tables)


def test_a_recommend_replay_needs_a_recommender() -> None:
    with pytest.raises(BundleRefused, match="no recommender"):
        check_replays({"recommend": [Replay(route="recommend", request={}, expected={})]}, None, {})
