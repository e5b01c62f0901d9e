"""A field that cannot be read is left out and named; one that can be read has the format's own form."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from contracts.validation.item_fields import (
    Reader,
    read_id,
    read_moment,
    read_name,
    read_price,
    read_stock,
    repair_item,
)

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("read", "given", "value", "repair"),
    [
        (read_id, "7", "7", None),
        (read_id, 7, "7", None),
        (read_id, 7.0, "7", None),
        (read_id, 7.5, None, " (unreadable)"),
        (read_id, ["7"], None, " (unreadable)"),
        (read_name, "Tea", "Tea", None),
        (read_name, 1984, "1984", ""),
        (read_name, {}, None, " (unreadable)"),
        (read_name, "x" * 1001, "x" * 1000, " (cut)"),
        (read_price, "8.50", 8.5, None),
        (read_price, Decimal("8.50"), 8.5, None),
        (read_price, "8,50 €", 8.5, ""),
        (read_price, "1,299", None, " (unreadable)"),
        (read_price, True, None, " (unreadable)"),
        (read_price, float("inf"), None, " (unreadable)"),
        (read_price, 10**400, None, " (unreadable)"),
        (read_price, -1, None, " (negative)"),
        (read_price, 1e13, None, " (too large)"),
        (read_stock, "-2", 0.0, " (negative)"),
        (read_stock, 0, 0.0, None),
        (read_stock, 1e10, None, " (too large)"),
        (read_stock, "sold out", None, " (unreadable)"),
        (read_moment, "2026-01-01", NEW_YEAR, None),
        (read_moment, date(2026, 1, 1), NEW_YEAR, None),
        (read_moment, "2026-01-01T01:00:00+01:00", NEW_YEAR, None),
        (read_moment, 1767225600, NEW_YEAR, ""),
        (read_moment, 1e300, None, " (unreadable)"),
        (read_moment, "someday", None, " (unreadable)"),
        (read_moment, "0001-01-01T00:00:00+14:00", None, " (unreadable)"),
    ],
)
def test_a_field_is_read_or_left_out(read: Reader, given: Any, value: Any, repair: str | None) -> None:
    assert read(given) == (value, repair)


@pytest.mark.parametrize("blank", [None, "", "  ", float("nan")])
def test_a_blank_field_says_nothing(blank: Any) -> None:
    item = {"price": blank, "stock": 1, "colour": "red"}
    assert repair_item(item, {"price": read_price, "stock": read_stock}) == []
    assert item == {"stock": 1, "colour": "red"}
