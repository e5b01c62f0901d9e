"""Money in the cells of a table: which sign marks decimals in the whole file, and a currency beside the number.

One cell such as `1.234` can be read in two ways. A file uses one sign throughout, so a cell that can be read in one way
only decides for all. Where no cell decides, the user is asked.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from contracts.errors import InputError
from contracts.validation.amounts import DecimalSign, read_amount

_GROUPS: Final = re.compile(r"(?<=\d)[\s\u00a0\u2009\u202f'\u2019](?=\d{3}(?!\d))")
_NUMBER: Final = re.compile(r"\d[\d.,]*")
_CODE: Final = re.compile(r"(?<![A-Za-z])[A-Za-z]{3}(?![A-Za-z])")
_OF_SIGN: Final = {"€": "EUR", "£": "GBP"}  # a dollar or a krone may be that of several countries
_SHOWN: Final = 3
_OTHER: Final[dict[str, DecimalSign]] = {".": ",", ",": "."}
_SIGN: Final[dict[str, DecimalSign]] = {".": ".", ",": ","}


class Money(NamedTuple):
    """An amount, and its currency where the cell states it."""

    amount: float
    currency: str | None


class Sign(NamedTuple):
    """What one cell says about the sign of decimals."""

    decimal: DecimalSign | None = None
    is_ambiguous: bool = False


@lru_cache(maxsize=65_536)  # a shop has few prices
def read_money(text: str, decimal: DecimalSign | None) -> Money | None:
    """The amount in a cell; None where there is none, or where it can be read in two ways."""
    if decimal is None and sign_of(text).is_ambiguous:
        return None
    amount = read_amount(text, decimal)
    return None if amount is None else Money(amount, _currency(text))


def decimal_of_file(cells: Iterable[tuple[str, str]], where: str) -> DecimalSign | None:
    """Which sign marks decimals, from (column, text) of the file's amounts; None where no amount has either sign.

    The first cell that can be read in one way only decides. Raises InputError where cells can be read in two ways and
    none decides.
    """
    doubtful: dict[str, list[str]] = {}
    for column, text in cells:
        sign = sign_of(text)
        if sign.decimal is not None:
            return sign.decimal
        examples = doubtful.setdefault(column, []) if sign.is_ambiguous else []
        if sign.is_ambiguous and len(examples) < _SHOWN:
            examples.append(text)
    if not doubtful:
        return None
    column, examples = next(iter(doubtful.items()))
    raise InputError(
        f"{where}: the amounts in column {column!r} can be read in two ways: {', '.join(examples)}. Say which sign "
        "marks decimals: --decimal . or --decimal , (or `decimal` in the mapping)."
    )


def sign_of(text: str) -> Sign:
    """Which sign marks decimals in a cell, as far as the cell alone shows it."""
    found = _NUMBER.search(_GROUPS.sub("", text))
    number = found[0].rstrip(".,") if found else ""
    signs = [char for char in number if char in _SIGN]
    if not signs:
        return Sign()
    if len(set(signs)) > 1:
        return Sign(_SIGN[signs[-1]])
    if len(signs) > 1:
        return Sign(_OTHER[signs[0]])
    whole, _, fraction = number.partition(signs[0])
    if len(fraction) == 3 and len(whole) <= 3 and not whole.startswith("0"):
        return Sign(is_ambiguous=True)
    return Sign(_SIGN[signs[0]])


def _currency(text: str) -> str | None:
    code = _CODE.search(text)
    if code is not None:
        return code[0].upper()
    return next((currency for sign, currency in _OF_SIGN.items() if sign in text), None)
