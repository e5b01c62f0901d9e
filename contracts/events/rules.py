"""What a store's settings add to the rules of events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from contracts.events.consent import Purpose


@dataclass(frozen=True)
class EventRules:
    """The rules of one store."""

    placeholder_ids: frozenset[str] = frozenset()  # ids that stand for nobody, in lower case
    consent_categories: Mapping[str, Purpose] = field(default_factory=dict)  # of its consent tool


NO_RULES: Final = EventRules()
