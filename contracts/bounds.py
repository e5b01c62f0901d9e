"""Bounds of untrusted input: how large a number may be, and how deeply JSON may be nested.

A number within its bound can be squared, summed over a store and stored in single precision without an overflow.
"""

import re
from typing import Final

MAX_MONEY: Final = 1e12  # a price or an amount, in any currency
MAX_UNITS: Final = 1e9  # a quantity or a stock
MAX_ATTRIBUTE: Final = (
    1e15  # numbers of a catalogue's attributes, such as an article number; float64 keeps them exactly
)
MAX_DEPTH: Final = 32  # objects and lists within each other

_TEXT_OR_BRACKET: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{]|[\]}]', re.DOTALL)


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
