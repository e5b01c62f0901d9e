"""Ids as text, and the placeholders that faulty pages and scripts send in place of an id."""

import re
from collections.abc import Collection
from typing import Final

from contracts.errors import InvalidEvent
from contracts.events.spec import Id, Product

MAX_ID_CHARS: Final = 200
# What stands for "nobody", in lower case: words of programming languages, of analytics tools, and of shop systems.
_PLACEHOLDER_WORDS: Final = (
    "undefined;null;none;nil;nan;void;true;false;n/a;na;#n/a;-;--;?;inf;-inf;infinity;-1;{};[];();'';\"\";\\n;"
    "[object object];[object undefined];[object null];object;string;(not set);not set;not-set;not_set;not provided;"
    "(none);(null);<null>;(empty);empty;guest;anonymous;anon;unknown;nobody;no user;not logged in;logged out;"
    "userid;user_id;user id;anonymousid;anonymous_id"
)
PLACEHOLDERS: Final = frozenset(_PLACEHOLDER_WORDS.split(";"))
_NO_ITEM: Final = frozenset({"undefined", "null", "none", "nan", "(not set)", "[object object]"})
_ZEROS: Final = re.compile(r"[-+]?[0.\-]*0[0.\-]*")  # 0, 0.0, 00000000-0000-0000-0000-000000000000
# A template that was sent without being filled in: {{ user.id }}, ${id}, %USER_ID%, <%= id %>, *|ID|*, [[id]].
_TEMPLATE: Final = re.compile(r"\{\{.*\}\}|\$\{.*\}|\{%.*%\}|%%?\w+%%?|<%.*%>|\*\|.*\|\*|\[\[.*\]\]", re.DOTALL)


def id_text(value: Id) -> str | None:
    """An id as text; blank means absent, as SDKs send `""` and `null` alike."""
    if value is None:
        return None
    return str(value).strip() or None


def checked_id(value: Id, field: str) -> str | None:
    """An id as text, None where it is absent. Raises InvalidEvent where it is too long."""
    text = id_text(value)
    if text is not None and len(text) > MAX_ID_CHARS:
        raise InvalidEvent("bad_id", f"{field} has {len(text)} characters; at most {MAX_ID_CHARS} are allowed.")
    return text


def is_placeholder(text: str, more: Collection[str] = ()) -> bool:
    """Whether an id stands for nobody; `more` are further ones, in lower case."""
    folded = text.casefold()
    return (
        folded in PLACEHOLDERS
        or folded in more
        or _ZEROS.fullmatch(folded) is not None
        or _TEMPLATE.fullmatch(folded) is not None
    )


def item_of(product: Product) -> str | None:
    """The item id of a product, from whichever of the spec's fields has it; a placeholder is none."""
    for value in (product.product_id, product.sku, product.id):
        text = id_text(value)
        if text is not None and text.casefold() not in _NO_ITEM:
            return text
    return None
