"""The customers' table in a terminal: known columns in reading order, and text from outside made harmless."""

import pytest

from contracts import columns as c
from shopkeeper.display.customers import print_customers, print_rows, printable, shown_columns


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), ("", "–"), (1234.5, "1,234.50"), (7, "7"), (["a", "b"], "a; b"), ("a\x1b[31m", "a�[31m")],
)
def test_a_cell_is_text_that_steers_no_terminal(value: object, text: str) -> None:
    assert printable(value) == text


def test_plain_columns_stand_in_where_few_families_are_published() -> None:
    assert shown_columns([c.CUSTOMER_ID, c.ORDERS, c.REVENUE]) == [c.CUSTOMER_ID, c.ORDERS, c.REVENUE]
    assert shown_columns([c.ORDERS]) == [c.ORDERS]


def test_the_risk_has_its_interval_and_band(capsys: pytest.CaptureFixture[str]) -> None:
    row = {c.CUSTOMER_ID: "ann", c.CHURN_RISK: 0.5, c.CHURN_RISK_LOW: 0.4, c.CHURN_RISK_HIGH: 0.6, c.CHURN_BAND: "high"}
    print_customers("Customers", [row], list(row))
    assert "50 % (40–60) high" in capsys.readouterr().out


def test_any_rows_get_one_column_each(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows("Rows", [{"a": 1, "b": None}], ["a", "b"])
    shown = capsys.readouterr().out
    assert "Rows" in shown
    assert "–" in shown
