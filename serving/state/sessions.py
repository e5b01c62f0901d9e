"""Live visits: what each person does in the visit that goes on, from the events that were just accepted.

In memory only and bounded: nothing of it is written, a visit ends with an hour of silence, and a person who refuses
analytics or personalization has none. Persons are called as customers are: by the user id, or `anonymous:` and the
anonymous id.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from contracts.customer_id import ANONYMOUS_PREFIX, customer_id_of
from contracts.events import MAX_ID_CHARS, ORDER_COMPLETED, PRODUCT_ADDED, PRODUCT_CLICKED, PRODUCT_VIEWED, Event
from contracts.events import item_of as item_of_product
from recsys.data.sessions import VISIT_GAP_SECONDS
from recsys.request import SessionEvent

KIND_BY_EVENT: Final = {  # as the training has it
    PRODUCT_VIEWED: "view",
    PRODUCT_CLICKED: "view",
    PRODUCT_ADDED: "cart",
    ORDER_COMPLETED: "order",
}
MAX_PERSONS: Final = 100_000  # ids under which a visit can be found
MAX_VISIT_DEEDS: Final = 50  # the last ones of each visit
MAX_DEEDS: Final = 1_000_000  # of all visits, about 150 MB
MAX_WORDS: Final = 200_000  # ids of which a refusal is remembered

_Deed = tuple[float, str, str]  # seconds since 1970 UTC, item id, kind
_Word = tuple[float, bool] | None  # when somebody said yes or no
_Words = tuple[_Word, _Word]  # to analytics, to personalization


@dataclass
class _Visit:
    """One visit; several ids of one person may lead to it."""

    owner: str | None  # the user who was seen in it
    last: float
    deeds: list[_Deed] = field(default_factory=list)
    persons: int = 0  # ids that lead here


class LiveVisits:
    """The visits that go on; may be used from several threads."""

    def __init__(self) -> None:
        self._visits: OrderedDict[str, _Visit] = OrderedDict()  # by person, the one heard of last at the end
        self._words: OrderedDict[str, _Words] = OrderedDict()
        self._deeds = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._visits)

    def note(self, event: Event, received_at: datetime) -> None:
        """Add one accepted event; one of long ago, such as a file of old events, is of no visit that goes on."""
        user = customer_id_of(event.user_id, None)
        device = customer_id_of(None, event.anonymous_id or event.previous_id)
        persons = [person for person in (user, device) if person]
        at = min(event.occurred_at, received_at).timestamp()
        with self._lock:
            self._hear(persons, event, at)
            if any(self._has_refused(person) for person in persons):
                for person in persons:
                    self._forget(person)
            elif at > received_at.timestamp() - VISIT_GAP_SECONDS:
                self._add(user, device, _deeds(event, at), at)

    def session(self, persons: Sequence[str], now: datetime) -> tuple[SessionEvent, ...]:
        """What was done in the visit of the first of `persons` that has one, oldest first; empty where none has."""
        with self._lock:
            user = next((person for person in persons if not person.startswith(ANONYMOUS_PREFIX)), None)
            for person in persons:
                visit = self._ongoing(person, now.timestamp())
                if visit is not None and user in (None, visit.owner or user):  # never that of another user
                    return tuple(SessionEvent(item_id, kind) for _, item_id, kind in visit.deeds)
        return ()

    def has_refused(self, persons: Sequence[str]) -> bool:
        """Whether one of these is known to refuse analytics or personalization."""
        with self._lock:
            return any(self._has_refused(person) for person in persons)

    def expire(self, now: datetime) -> None:
        """Forget the visits that have ended."""
        with self._lock:
            while self._visits and self._ongoing(next(iter(self._visits)), now.timestamp()) is None:
                pass

    def _hear(self, persons: Sequence[str], event: Event, at: float) -> None:
        """Remember refusals, and what overrules them later: the latest word counts, of one instant the no."""
        said: _Words = (_word(event.consent[0], at), _word(event.consent[1], at))
        known = [self._words[person] for person in persons if person in self._words]
        if not known and False not in event.consent[:2]:
            return
        latest: _Words = (_latest([said[0], *(w[0] for w in known)]), _latest([said[1], *(w[1] for w in known)]))
        for person in persons:
            self._words[person] = latest
            self._words.move_to_end(person)
        while len(self._words) > MAX_WORDS:
            self._words.popitem(last=False)

    def _has_refused(self, person: str) -> bool:
        return any(word is not None and not word[1] for word in self._words.get(person, ()))

    def _add(self, user: str | None, device: str | None, deeds: list[_Deed], at: float) -> None:
        visit = self._joined(user, device, at)
        if visit is None and not deeds:
            return
        visit = visit or _Visit(user, at)
        before = len(visit.deeds)
        visit.deeds = sorted([*visit.deeds, *deeds], key=lambda deed: deed[0])[-MAX_VISIT_DEEDS:]
        visit.last = max(visit.last, at)
        self._deeds += len(visit.deeds) - before if visit.persons else 0
        for person in filter(None, (user, device)):
            self._lead(person, visit)
        while len(self._visits) > MAX_PERSONS or self._deeds > MAX_DEEDS:
            self._forget(next(iter(self._visits)))

    def _joined(self, user: str | None, device: str | None, at: float) -> _Visit | None:
        """The visit of a user and a device: what was done before signing in is the user's, another user's is not."""
        own = self._ongoing(user, at) if user else None
        found = self._ongoing(device, at) if device else None
        if user is None or found is None or found.owner not in (None, user):
            return found if user is None else own
        found.owner = user
        if own is not None and own is not found:
            found.deeds = sorted([*found.deeds, *own.deeds], key=lambda deed: deed[0])
            own.deeds = []  # other devices may still lead there
        return found

    def _ongoing(self, person: str, at: float) -> _Visit | None:
        visit = self._visits.get(person)
        if visit is not None and at - visit.last > VISIT_GAP_SECONDS:
            self._forget(person)
            return None
        return visit

    def _lead(self, person: str, visit: _Visit) -> None:
        """Let `person` lead to `visit`, and be the one heard of last."""
        if self._visits.get(person) is not visit:
            self._forget(person)
            self._visits[person] = visit
            visit.persons += 1
            self._deeds += len(visit.deeds) if visit.persons == 1 else 0
        self._visits.move_to_end(person)

    def _forget(self, person: str) -> None:
        visit = self._visits.pop(person, None)
        if visit is not None:
            visit.persons -= 1
            self._deeds -= len(visit.deeds) if not visit.persons else 0


def _deeds(event: Event, at: float) -> list[_Deed]:
    kind = KIND_BY_EVENT.get(event.name or "")
    if kind is None:
        return []
    items = [item_of_product(product) for product in event.products[-MAX_VISIT_DEEDS:]]
    return [(at, item_id, kind) for item_id in items if item_id and len(item_id) <= MAX_ID_CHARS]


def _word(flag: bool | None, at: float) -> _Word:
    return None if flag is None else (at, flag)


def _latest(words: Sequence[_Word]) -> _Word:
    return max((word for word in words if word is not None), key=lambda word: (word[0], not word[1]), default=None)
