"""What every store of personal data can do: give out what it holds of a person, and erase it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

import orjson

from contracts.customer_id import customer_id_of_anonymous, customer_id_of_user
from contracts.events.ids import id_text

# By it, how long data is kept: as received, derived from events, made by training, published, or lists of campaigns.
DataClass = Literal["events", "log", "quarantine", "predictions", "campaigns"]

_EMAIL_FIELDS = ("email", "Email", "e_mail")


@dataclass(frozen=True)
class Person:
    """Everything by which one person is known. What happened after `until` is that of a new customer."""

    ids: frozenset[str]  # user ids, anonymous ids and e-mail addresses, as senders write them
    until: datetime

    @property
    def customer_ids(self) -> frozenset[str]:
        """Every customer id that any bundle may have given to the person."""
        return self.ids.union(map(customer_id_of_user, self.ids), map(customer_id_of_anonymous, self.ids))

    def is_in(self, found: Collection[str]) -> bool:
        """Whether one of these texts is an id of the person; addresses are compared without upper case."""
        return any(each in self.ids or ("@" in each and each.casefold() in self._addresses) for each in found)

    def is_named_in(self, raw: bytes | str) -> bool:
        """Whether the text of a record, JSON or broken, names the person in any field."""
        try:
            return self.is_in(list(texts(orjson.loads(raw))))
        except orjson.JSONDecodeError:
            text = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
            return any(f'"{each}"' in text for each in self.ids) or any(
                each in text.casefold() for each in self._addresses
            )

    @property
    def _addresses(self) -> frozenset[str]:
        return frozenset(each.casefold() for each in self.ids if "@" in each)


class Erasable(Protocol):
    """A store that may hold personal data."""

    @property
    def name(self) -> str:
        """The store's name in receipts."""

    @property
    def data_class(self) -> DataClass:
        """By which its retention is set."""

    @property
    def files(self) -> tuple[str, ...]:
        """Its files: patterns relative to the home folder."""

    def export(self, person: Person) -> list[dict[str, Any]]:
        """All that it holds of the person, ready for JSON."""

    def erase(self, person: Person) -> int:
        """Erase it, durably and to the last byte; returns how many rows. May be repeated."""

    def expire(self, before: datetime) -> int:
        """Delete what is older; returns how many rows, files or versions. 0 where something else limits its age."""


def ids_of(raw: bytes) -> set[str]:
    """The ids and e-mail addresses of an event in the wire format; none where it is not a JSON object."""
    try:
        event = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return set()
    if not isinstance(event, dict):
        return set()
    context = _object(event.get("context"))
    parts = [_object(part) for part in (event.get("traits"), event.get("properties"), context.get("traits"))]
    values = [event.get(name) for name in ("userId", "anonymousId", "previousId")]
    values += [part.get(name) for part in parts for name in _EMAIL_FIELDS]
    return {text for value in values if isinstance(value, str | int) and (text := id_text(value))}


def texts(value: Any) -> Iterator[str]:
    """Every text and number in a JSON value, as text."""
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield str(value).strip()


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
