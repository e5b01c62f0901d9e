"""The customers' table in a terminal: known columns, the most important first."""

import pytest

from contracts import columns as c
from shopkeeper.display.customers import print_customers, shown_columns


def test_plain_columns_stand_in_where_few_families_are_published() -> None:
    assert shown_columns([c.CUSTOMER_ID, c.ORDERS, c.REVENUE]) == [c.CUSTOMER_ID, c.ORDERS, c.REVENUE]
    assert shown_columns([c.ORDERS]) == [c.ORDERS]


def test_the_risk_has_its_interval_and_band(capsys: pytest.CaptureFixture[str]) -> None:
    row = {c.CUSTOMER_ID: "ann", c.CHURN_RISK: 0.5, c.CHURN_RISK_LOW: 0.4, c.CHURN_RISK_HIGH: 0.6, c.CHURN_BAND: "high"}
    print_customers("Customers", [row], list(row))
    assert "50 % (40–60) high" in capsys.readouterr().out


@pytest.mark.parametrize(("low", "shown"), [(20.0, "50 (20–90)"), (0.0, "50 (to 90)"), (None, "50")])
def test_a_low_end_of_nothing_is_not_shown(low: float | None, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    names = (c.EXPECTED_VALUE_90D, c.EXPECTED_VALUE_90D_LOW, c.EXPECTED_VALUE_90D_HIGH)
    row = {c.CUSTOMER_ID: "ann", **dict(zip(names, (50.0, low, 90.0), strict=True))}
    print_customers("Customers", [row], list(row))
    assert shown in capsys.readouterr().out
