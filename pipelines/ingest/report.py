"""The counts of an ingest, which always add up: received = stored + duplicate + quarantined + suppressed."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

MAX_REPAIRS: Final = 100
OTHERS: Final = "others"


@dataclass
class Counts:
    """The counts of one file, of the event log, or of a whole call. They count events, not product lines."""

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)  # by code
    suppressed: int = 0
    repaired: int = 0  # of the received ones, those of which a field was repaired or left out
    repairs: Counter[str] = field(default_factory=Counter)  # by field

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.received + other.received,
            self.stored + other.stored,
            self.duplicate + other.duplicate,
            self.quarantined + other.quarantined,
            self.suppressed + other.suppressed,
            self.repaired + other.repaired,
            _most_frequent(self.repairs + other.repairs),
        )

    @property
    def adds_up(self) -> bool:
        """Whether every received event is accounted for."""
        return self.received == self.stored + self.duplicate + self.quarantined.total() + self.suppressed

    def as_dict(self) -> dict[str, Any]:
        """The counts for JSON, and the quarantined ones also by code."""
        return {
            "received": self.received,
            "stored": self.stored,
            "duplicate": self.duplicate,
            "quarantined": self.quarantined.total(),
            "suppressed": self.suppressed,
            "quarantined_by_code": dict(sorted(self.quarantined.items())),
            "repaired": self.repaired,
            "repaired_by_field": dict(sorted(self.repairs.items())),
        }


def _most_frequent(repairs: Counter[str]) -> Counter[str]:
    """At most `MAX_REPAIRS` names, since some come from the sender; the rest counts as `OTHERS`."""
    if len(repairs) <= MAX_REPAIRS:
        return repairs
    kept = Counter(dict(repairs.most_common(MAX_REPAIRS - 1)))
    kept[OTHERS] += repairs.total() - kept.total()
    return kept


class Conflict(NamedTuple):
    """Events that were dropped for others with the same message id and different content."""

    kept: str  # the source of those that stayed
    dropped: str  # the source of the others
    events: int
    replaced: int  # of `events`, those that an earlier ingest had stored


class Recognized(NamedTuple):
    """A file of which the format was recognised."""

    file: str
    format: str
    title: str
    takes: tuple[str, ...]  # columns that are read
    leaves: tuple[str, ...]  # columns that are not


@dataclass
class IngestReport:
    """The result of one call of ingest."""

    at: datetime
    files: dict[str, Counts] = field(default_factory=dict)  # file name, or "event log"
    catalogue: Counts | None = None  # of the catalogue file's rows
    conflicts: list[Conflict] = field(default_factory=list)  # among the duplicates
    recognized: list[Recognized] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # about the files, for people
    is_dry_run: bool = False  # nothing was stored; `stored` says what would have been
    examples: list[str] = field(default_factory=list)  # of a dry run: for each code, a record that is refused

    @property
    def total(self) -> Counts:
        """The events of all files and of the event log."""
        return sum(self.files.values(), Counts())

    def as_dict(self) -> dict[str, Any]:
        """The entry of the ledger."""
        return {
            "at": self.at.isoformat(),
            **self.total.as_dict(),
            "files": [{"file": name, **counts.as_dict()} for name, counts in self.files.items()],
            "catalogue": self.catalogue and self.catalogue.as_dict(),
            "conflicting": sum(conflict.events for conflict in self.conflicts),
            "replaced": sum(conflict.replaced for conflict in self.conflicts),
            "conflicts": [conflict._asdict() for conflict in self.conflicts],
            "recognized": [each._asdict() for each in self.recognized],
            "notes": self.notes,
        }
