"""Amounts as people write them: `1,299.00`, `1.295,00 €`, `USD 15.00`, `1'299.50`, `(5.00)`."""

import re
from typing import Final, Literal

DecimalSign = Literal[".", ","]

_MAX_CHARS: Final = 40
# Grouping characters besides the point and the comma: spaces of every width, apostrophes.
_GROUPS: Final = re.compile(r"(?<=\d)[\s\u00a0\u2009\u202f'\u2019](?=\d{3}(?!\d))")
# The point of `Rs.500` belongs to the currency.
_AROUND: Final = re.compile(
    r"^(?P<before>[A-Za-z]+\.\s*|[^\d.,+\-−()]*)(?P<number>[0-9.,]+)(?P<after>(?:[^\d.,()]+\.?)?)$"
)
_CURRENCY: Final = re.compile(r"[A-Za-z]{0,3}\.?\s*[^\w\s.,]{0,3}|[^\w\s.,]{0,3}\s*[A-Za-z]{0,3}\.?")
_MINUS: Final = re.compile(r"[^\d\-−]*[\-−][^\-−]*|[^\-−]*[\-−]")  # one, before the digits or at the end
_GROUPED: Final = {sign: re.compile(rf"\d{{1,3}}(?:{re.escape(sign)}\d{{3}})+") for sign in ".,"}


def read_amount(text: str, decimal: DecimalSign | None = None) -> float | None:
    """The number in a text with an optional currency; None where there is none, or where the text is ambiguous.

    Ambiguous is a comma before the last three digits, as in `1,299`: it may group thousands or mark decimals. A point
    there marks decimals, as in every programming language. `decimal` says which sign marks decimals.
    """
    bare = text.strip()
    if not bare or len(bare) > _MAX_CHARS:
        return None
    is_negative = False
    if bare.startswith("(") and bare.endswith(")"):  # as accountants write a negative amount
        is_negative, bare = True, bare[1:-1].strip()
    if _MINUS.fullmatch(bare):
        is_negative, bare = not is_negative, bare.replace("-", "").replace("−", "").strip()
    bare = _GROUPS.sub("", bare.lstrip("+").strip())
    found = _AROUND.match(bare)
    if found is None or not all(_is_currency(found[part]) for part in ("before", "after")):
        return None
    if found["before"].strip() and found["after"].strip():
        return None
    plain = _plain(found["number"], decimal)
    if plain is None:
        return None
    return -float(plain) if is_negative else float(plain)


def _is_currency(text: str) -> bool:
    return _CURRENCY.fullmatch(text.strip()) is not None


def _plain(number: str, decimal: DecimalSign | None) -> str | None:
    """The number with a point as its decimal sign and without groups."""
    sign = decimal or _decimal_sign(number)
    if sign is None:
        return None
    group = "," if sign == "." else "."
    whole, _, fraction = number.partition(sign)
    if group in fraction or sign in fraction:
        return None
    if group in whole and not _GROUPED[group].fullmatch(whole):
        return None
    plain = f"{whole.replace(group, '')}.{fraction}"
    return plain if any(map(str.isdigit, plain)) else None


def _decimal_sign(number: str) -> DecimalSign | None:
    """Which of point and comma marks decimals; None where both are possible."""
    points, commas = number.count("."), number.count(",")
    if points and commas:
        return "." if number.rfind(".") > number.rfind(",") else ","
    if points > 1:
        return ","
    if commas > 1:
        return "."
    if commas == 1 and _GROUPED[","].fullmatch(number) and not number.startswith("0"):
        return None
    return "," if commas else "."
