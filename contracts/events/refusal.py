"""What an event that is refused says of consent: a refusal counts whatever else is wrong with the event."""

from datetime import datetime
from typing import Any, Final

import msgspec

from contracts.errors import InvalidEvent
from contracts.events.consent import NOT_STATED, PURPOSES, read_consent
from contracts.events.parse import MAX_EVENT_BYTES, Event, parse_event
from contracts.events.rules import NO_RULES, EventRules
from contracts.validation.bounds import is_too_deep

_CONSENT_FIELDS: Final = ("consent", "consentManagement", "consentMode", "customerPrivacy")  # of the context
_OBJECTION: Final = "globalPrivacyControl"
_TIMES: Final = ("timestamp", "originalTimestamp", "sentAt", "receivedAt")
_KEPT: Final = ("messageId", "userId", "anonymousId", *_TIMES)
# Where the event is refused for its time or its message id, the consent counts without them.
_LEFT_OUT: Final = ((), _TIMES, ("messageId",), (*_TIMES, "messageId"))


def consent_of_refused(
    raw: bytes, received_at: datetime, rules: EventRules = NO_RULES, *, is_live: bool = True
) -> Event | None:
    """The consent that a refused event states, as an identify event without traits.

    None where it states none, where nobody can say whose it is, or where it is too large or too deep to be read.
    """
    told = _told(raw)
    context, properties = _object(told.get("context")), _object(told.get("properties"))
    objection = {_OBJECTION: context.get(_OBJECTION)}
    stated = [*(context.get(name) for name in _CONSENT_FIELDS), properties.get("consent"), objection]
    consent, _ = read_consent(stated, rules.consent_categories)
    if consent == NOT_STATED:
        return None
    preferences = {purpose: flag for purpose, flag in zip(PURPOSES, consent, strict=True) if flag is not None}
    kept: dict[str, Any] = {name: told[name] for name in _KEPT if name in told}
    kept |= {"type": "identify", "context": {"consent": {"categoryPreferences": preferences}}}
    for left_out in _LEFT_OUT:
        statement = {name: value for name, value in kept.items() if name not in left_out}
        try:
            return parse_event(msgspec.json.encode(statement), received_at, rules, is_live=is_live)
        except InvalidEvent:
            continue
    return None


def _told(raw: bytes) -> dict[str, Any]:
    if len(raw) > MAX_EVENT_BYTES or is_too_deep(raw):
        return {}
    try:
        return _object(msgspec.json.decode(raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
