"""Bounds of untrusted input: how large a number may be, and how deeply JSON may be nested.

A number within its bound can be squared, summed over a store and stored in single precision without an overflow.
"""

import re
from typing import Any, Final

MAX_MONEY: Final = 1e12  # a price or an amount, in any currency
MAX_UNITS: Final = 1e9  # a quantity or a stock
MAX_ATTRIBUTE: Final = 1e15  # a number among the attributes of an item, such as an article number
MAX_SERVICE_LEVEL: Final = 0.999
# The supply terms of items, which a catalogue states as attributes: the least and the greatest value.
INVENTORY_TERMS: Final[dict[str, tuple[float, float]]] = {
    "lead_time_days": (0, 365),
    "review_days": (1, 365),
    "service_level": (0.5, MAX_SERVICE_LEVEL),
    "holding_cost_per_year": (0.001, 10),
    "unit_cost": (1e-6, MAX_MONEY),
    "unit_cost_share": (0.001, 1),
    "shortage_cost": (0, MAX_MONEY),
    "order_cost": (0, MAX_MONEY),
    "pack_size": (1e-6, MAX_UNITS),
    "minimum_order": (0, MAX_UNITS),
    "on_order": (0, MAX_UNITS),
    "on_order_in_days": (0, 365),
    "overstock_days": (0, 3650),
}
MAX_DEPTH: Final = 32  # objects and lists within each other

_TEXT_OR_BRACKET: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{]|[\]}]', re.DOTALL)


def inventory_term(name: str, value: Any) -> float | None:
    """A term as a number; None where it is none, or out of its bounds."""
    least, greatest = INVENTORY_TERMS[name]
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if least <= number <= greatest else None


def refused_term(name: str, value: Any) -> str:
    """What is wrong with a term, and what to do."""
    least, greatest = INVENTORY_TERMS[name]
    return (
        f"{name} is {str(value)[:80]!r}; give a number between {least:g} and {greatest:g}; until then the store's "
        "default is used."
    )


def is_too_deep(json: bytes) -> bool:
    """Whether objects and lists are nested more than `MAX_DEPTH` deep; text that is not JSON may give either answer."""
    if json.count(b"{") + json.count(b"[") <= MAX_DEPTH:
        return False
    depth = 0
    for found in _TEXT_OR_BRACKET.finditer(json):
        token = found[0]
        if token in b"{[":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif token in b"}]":
            depth -= 1
    return False
