"""Amounts as people write them; what may be read in two ways is not read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.validation.amounts import read_amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        *(
            ("10", 10.0),
            ("10.5", 10.5),
            ("10,50", 10.5),
            ("2,55", 2.55),
            ("0,299", 0.299),
            ("-3.20", -3.2),
            ("+4", 4.0),
        ),
        *(("1,299.00", 1299.0), ("1.295,00", 1295.0), ("1.234.567", 1234567.0), ("1,234,567", 1234567.0)),
        *(("$6,795.00", 6795.0), ("15.00 USD", 15.0), ("EUR 15", 15.0), ("12,50 €", 12.5), ("€12.50", 12.5)),
        *(("1 234,56 €", 1234.56), ("1'299.50", 1299.5), ("1\u202f299,00", 1299.0), ("CHF 1\u2019299.50", 1299.5)),
        *(("-$5.00", -5.0), ("$-5.00", -5.0), ("(5.00)", -5.0), ("5.00-", -5.0), ("\u22125,00", -5.0)),
        *(("1.299", 1.299), (".5", 0.5), ("5.", 5.0), ("Rs. 500", 500.0), ("R$ 10,00", 10.0), ("kr 99", 99.0)),
    ],
)
def test_amounts_are_read(text: str, amount: float) -> None:
    assert read_amount(text) == amount


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "abc",
            "1,299",
            "-1,299 €",
            "12,34,56",
            "1.2.3",
            "1,2.3,4",
            "1.23,456.7",
            "--5",
            "5-5",
            "1e5",
            "nan",
        ),
        *(
            "10 pieces",
            "10%/2",
            "2026-01-10",
            "1 2 3",
            "5 x 10",
            "0x10",
            "\u0661\u0662" + "x",
            "9" * 50,
            "$",
            "€ 5 USD",
        ),
    ],
)
def test_what_is_no_amount_or_may_be_two_is_none(text: str) -> None:
    assert read_amount(text) is None


def test_the_decimal_sign_may_be_given() -> None:
    assert read_amount("1,299", ".") == 1299.0
    assert read_amount("1,299", ",") == 1.299
    assert read_amount("1.299", ",") == 1299.0
    assert read_amount("1.299,00", ".") is None
    assert read_amount("12.50", ",") is None


@given(st.integers(-(10**9), 10**9), st.sampled_from(["", "€", "$", "USD", "CHF"]), st.booleans())
def test_every_way_of_writing_an_amount_is_read_alike(cents: int, sign: str, is_first: bool) -> None:
    amount = cents / 100
    for text in (f"{amount:,.2f}", f"{amount:,.2f}".translate(str.maketrans(",.", ".,")), f"{amount:.2f}"):
        assert read_amount(f"{sign} {text}" if is_first else f"{text} {sign}") == amount
