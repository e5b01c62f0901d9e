"""The session store in memory: bounded, and nothing of it is written to disk."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from contracts.customer_id import ANONYMOUS_PREFIX, customer_id_of
from contracts.events.ids import MAX_ID_CHARS
from contracts.events.ids import item_of as item_of_product
from contracts.events.names import ORDER_COMPLETED, PRODUCT_ADDED, PRODUCT_CLICKED, PRODUCT_VIEWED
from contracts.events.parse import Event
from recsys.data.interactions import Kind
from recsys.data.sessions import SESSION_GAP_SECONDS
from recsys.request import SessionEvent

KIND_BY_EVENT: Final[dict[str, Kind]] = {  # as in training
    PRODUCT_VIEWED: "view",
    PRODUCT_CLICKED: "view",
    PRODUCT_ADDED: "cart",
    ORDER_COMPLETED: "order",
}
MAX_CUSTOMER_IDS: Final = 100_000  # ids under which a session can be found
MAX_SESSION_ACTIONS: Final = 50  # the last ones of each session
MAX_ACTIONS: Final = 1_000_000  # of all sessions, about 150 MB
MAX_STATEMENTS: Final = 200_000  # ids of which a refusal is remembered

_Action = tuple[float, str, Kind]  # seconds since 1970 UTC, item id, kind
# When a consent was stated, whether it was given or refused, and the user who stated it; None: nobody had signed in.
_Statement = tuple[float, bool, str | None] | None
_Consent = tuple[_Statement, _Statement]  # to analytics, to personalization


@dataclass
class _Session:
    """One session; several ids of one person may refer to it."""

    owner: str | None  # the user who signed in during it
    last: float
    actions: list[_Action] = field(default_factory=list)
    references: int = 0  # ids that refer to it


class MemorySessionStore:
    """The sessions under way, of one process. Thread-safe."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, _Session] = OrderedDict()  # by customer id, the latest used at the end
        self._consents: OrderedDict[str, _Consent] = OrderedDict()
        self._actions = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._sessions)

    def record(self, event: Event, received_at: datetime) -> None:
        user = customer_id_of(event.user_id, None)
        device = customer_id_of(None, event.anonymous_id or event.previous_id)
        customer_ids = [customer_id for customer_id in (user, device) if customer_id]
        at = min(event.occurred_at, received_at).timestamp()
        with self._lock:
            self._record_consent(user, device, event, at)
            if self._has_refused(customer_ids):
                for customer_id in customer_ids:
                    self._forget(customer_id)
            elif at > received_at.timestamp() - SESSION_GAP_SECONDS:
                self._add(user, device, _actions(event, at), at)

    def session(self, customer_ids: Sequence[str], now: datetime) -> tuple[SessionEvent, ...]:
        with self._lock:
            user = next((each for each in customer_ids if not each.startswith(ANONYMOUS_PREFIX)), None)
            for customer_id in customer_ids:
                session = self._ongoing(customer_id, now.timestamp())
                if session is not None and user in (None, session.owner or user):  # never that of another user
                    return tuple(SessionEvent(item_id, kind) for _, item_id, kind in session.actions)
        return ()

    def has_refused(self, customer_ids: Sequence[str]) -> bool:
        with self._lock:
            return self._has_refused(customer_ids)

    def forget(self, customer_ids: Sequence[str], until: datetime) -> None:
        at = until.timestamp()
        with self._lock:
            for customer_id in customer_ids:
                session = self._sessions.get(customer_id)
                if session is not None:
                    kept = [action for action in session.actions if action[0] > at]
                    self._actions -= len(session.actions) - len(kept)
                    session.actions = kept
                    if not kept:
                        self._forget(customer_id)
                stated = self._consents.get(customer_id, ())
                if all(statement is None or statement[0] <= at for statement in stated):
                    self._consents.pop(customer_id, None)

    def expire(self, now: datetime) -> None:
        with self._lock:
            while self._sessions and self._ongoing(next(iter(self._sessions)), now.timestamp()) is None:
                pass

    def _record_consent(self, user: str | None, device: str | None, event: Event, at: float) -> None:
        """Remember refusals and what overrules them: the latest statement counts; at one instant, the refusal.

        A statement holds for the user who made it and for the device. On a shared device, that of one user changes
        nothing that another has stated.
        """
        told = {each: self._consents[each] for each in (user, device) if each is not None and each in self._consents}
        if not told and False not in event.consent[:2]:
            return
        now: _Consent = (_statement(event.consent[0], at, user), _statement(event.consent[1], at, user))
        known = [now, *told.values()]
        for customer_id in filter(None, (user, device)):
            mine = [consent if customer_id == device else _of(consent, user) for consent in known]
            self._consents[customer_id] = (_latest([each[0] for each in mine]), _latest([each[1] for each in mine]))
            self._consents.move_to_end(customer_id)
        while len(self._consents) > MAX_STATEMENTS:
            self._consents.popitem(last=False)

    def _has_refused(self, customer_ids: Sequence[str]) -> bool:
        """Whether any of the ids has refused; the device's refusal holds for whoever uses it."""
        consents = [self._consents.get(customer_id, ()) for customer_id in customer_ids]
        return any(stated is not None and not stated[1] for consent in consents for stated in consent)

    def _add(self, user: str | None, device: str | None, actions: list[_Action], at: float) -> None:
        session = self._joined(user, device, at)
        if session is None and not actions:
            return
        session = session or _Session(user, at)
        before = len(session.actions)
        session.actions = sorted([*session.actions, *actions], key=lambda action: action[0])[-MAX_SESSION_ACTIONS:]
        session.last = max(session.last, at)
        self._actions += len(session.actions) - before if session.references else 0
        for customer_id in filter(None, (user, device)):
            self._refer(customer_id, session)
        while len(self._sessions) > MAX_CUSTOMER_IDS or self._actions > MAX_ACTIONS:
            self._forget(next(iter(self._sessions)))

    def _joined(self, user: str | None, device: str | None, at: float) -> _Session | None:
        """The session of a user and a device. Actions before signing in become the user's, unless another user did."""
        own = self._ongoing(user, at) if user else None
        shared = self._ongoing(device, at) if device else None
        if user is None or shared is None or shared.owner not in (None, user):
            return shared if user is None else own
        shared.owner = user
        if own is not None and own is not shared:
            shared.actions = sorted([*shared.actions, *own.actions], key=lambda action: action[0])
            own.actions = []  # other devices may still refer to it
        return shared

    def _ongoing(self, customer_id: str, at: float) -> _Session | None:
        session = self._sessions.get(customer_id)
        if session is not None and at - session.last > SESSION_GAP_SECONDS:
            self._forget(customer_id)
            return None
        return session

    def _refer(self, customer_id: str, session: _Session) -> None:
        """Let `customer_id` refer to `session`, and be the id used last."""
        if self._sessions.get(customer_id) is not session:
            self._forget(customer_id)
            self._sessions[customer_id] = session
            session.references += 1
            self._actions += len(session.actions) if session.references == 1 else 0
        self._sessions.move_to_end(customer_id)

    def _forget(self, customer_id: str) -> None:
        session = self._sessions.pop(customer_id, None)
        if session is not None:
            session.references -= 1
            self._actions -= len(session.actions) if not session.references else 0


def _actions(event: Event, at: float) -> list[_Action]:
    kind = KIND_BY_EVENT.get(event.name or "")
    if kind is None:
        return []
    items = [item_of_product(product) for product in event.products[-MAX_SESSION_ACTIONS:]]
    return [(at, item_id, kind) for item_id in items if item_id and len(item_id) <= MAX_ID_CHARS]


def _statement(flag: bool | None, at: float, user: str | None) -> _Statement:
    return None if flag is None else (at, flag, user)


def _of(consent: _Consent, user: str | None) -> _Consent:
    """What concerns the user: what they stated, and what was stated before anybody had signed in."""
    analytics, personalization = (
        statement if statement is None or statement[2] in (None, user) else None for statement in consent
    )
    return analytics, personalization


def _latest(statements: Sequence[_Statement]) -> _Statement:
    stated = (statement for statement in statements if statement is not None)
    return max(stated, key=lambda statement: (statement[0], not statement[1]), default=None)
