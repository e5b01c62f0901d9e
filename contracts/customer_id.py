"""The rule by which ids become customer ids; ingest and the live service share it.

A user id is a customer id as it is. An anonymous id gets a prefix, so that it can never equal a user id; a user id that
reads like such a customer id gets a prefix of its own.
"""

import re
from typing import Final

ANONYMOUS_PREFIX: Final = "anonymous:"
USER_PREFIX: Final = "user:"  # only before a user id that would otherwise read like an anonymous customer

_AMBIGUOUS: Final = re.compile(f"(?:{USER_PREFIX})*{ANONYMOUS_PREFIX}")


def customer_id_of(user_id: str | None, anonymous_id: str | None) -> str | None:
    """The customer id of an event with these ids: by the user id, else by the anonymous id; None without either."""
    if user_id:
        return customer_id_of_user(user_id)
    return customer_id_of_anonymous(anonymous_id) if anonymous_id else None


def customer_id_of_user(user_id: str) -> str:
    """The customer id of a user id that was never aliased: itself, unless it reads like an anonymous customer's."""
    return f"{USER_PREFIX}{user_id}" if _AMBIGUOUS.match(user_id) else user_id


def user_id_of(customer_id: str) -> str:
    """The user id of which `customer_id_of_user` made this customer id."""
    return customer_id.removeprefix(USER_PREFIX) if _AMBIGUOUS.match(customer_id) else customer_id


def customer_id_of_anonymous(anonymous_id: str) -> str:
    """The customer id of an anonymous id that belongs to no known user."""
    return f"{ANONYMOUS_PREFIX}{anonymous_id}"
