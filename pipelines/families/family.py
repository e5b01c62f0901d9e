"""What a family declares: its data, its backtest and gate, and what it puts into a bundle."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa

from contracts import columns as c
from contracts.bundle import Answerer, FamilyKind, Replay
from contracts.progress import Progress, silent
from models.statistics.paired_bootstrap import PairedCases
from pipelines.families.run_cache import RunCache
from pipelines.families.snapshots import CustomerHistory
from pipelines.identity.history import IdentityHistory
from pipelines.warehouse.catalogue import catalogue_before
from pipelines.warehouse.schemas import CONSENT_STATEMENTS
from pipelines.warehouse.views import with_customer
from recsys.reranking.policy import Policy

Metrics = dict[str, float | None]  # None: not defined on this data, for example an AUC of one class


def no_campaigns() -> ibis.Table:
    """The campaigns of a store without any."""
    return ibis.memtable(c.ASSIGNMENTS.empty_table())


def no_statements() -> ibis.Table:
    """The consent statements of a store all of whose events are kept."""
    return ibis.memtable(CONSENT_STATEMENTS.empty_table())


@dataclass(frozen=True)
class PreviousFit:
    """The served version of a family. A fit may start from it, so that results change little without a cause."""

    folder: Path  # the family's folder in the verified bundle
    as_of: datetime
    bundle_version: str = ""  # the bundle in which the fit was first published
    answers: Answerer | None = "model"  # what was fitted


@dataclass(frozen=True)
class TrainingData:
    """What a family may look at; the cut-off is an argument, so that a leak is visible.

    `events` has the columns of `columns.EVENT_LINES`, `catalogue` those of `columns.CATALOGUE`, `campaigns` those of
    `columns.ASSIGNMENTS`. Feature functions take `(events, as_of)` and look at nothing at or after `as_of`. Whose an
    event is, and what that customer allows, depends on the cut-off, too: `events_at` and `history` know it.
    """

    events: ibis.Table
    catalogue: ibis.Table
    as_of: datetime
    parameters: Any  # an instance of the family's `parameters` class
    described_items: ibis.Table | None = None  # what was told of items, and when; None: what `catalogue` holds
    campaigns: ibis.Table = field(
        default_factory=no_campaigns
    )  # who was assigned to be contacted, and who to the holdout
    is_published: bool = False  # what is fitted may be published: nobody who refuses as of `as_of` is learnt from
    is_current: bool = False  # no event was left out by the cut: what was told last is how it is now
    seed: int = 7
    threads: int = 2
    progress: Progress = silent
    previous: PreviousFit | None = None
    consent_statements: ibis.Table = field(default_factory=no_statements)  # of events that are not kept
    required: Mapping[str, Any] = field(default_factory=dict)  # parameters of the families that this one requires
    cache: RunCache = field(default_factory=RunCache)  # shared by all families of the run

    @property
    def people(self) -> IdentityHistory:
        """Who each id belonged to at any time, read once in a run."""
        sources = (self.events, self.consent_statements)
        return self.cache.once(IdentityHistory, lambda: IdentityHistory(*sources), sources)

    @property
    def history(self) -> CustomerHistory:
        """The customers' history, fetched once in a run; without those who refuse by now, where it is published."""
        if self.is_published:
            key = (CustomerHistory, self.as_of, "published")
            return self.cache.once(key, self.complete_history.without_refusals, (self.events,))
        return self.complete_history

    @property
    def complete_history(self) -> CustomerHistory:
        """The history with those who refused since. An experiment needs it: contact may be why they refused."""
        key = (CustomerHistory, self.as_of)
        return self.cache.once(key, lambda: CustomerHistory(self.events, self.people, self.as_of), (self.events,))

    def events_at(self, at: datetime) -> ibis.Table:
        """All events with their customers as known before `at`: `columns.EVENTS`."""
        return self._with_people(self.people.people(at))

    def events_since(self, start: datetime, end: datetime) -> ibis.Table:
        """The same, but links before `end` give what new ids did to the customers who were known before `start`."""
        return self._with_people(self.people.outcome_people(start, end))

    def catalogue_at(self, at: datetime) -> ibis.Table:
        """The catalogue as known before `at`; the latest where this is now."""
        if at >= self.as_of:
            return self.catalogue
        told = self.catalogue if self.described_items is None else self.described_items
        return self.cache.once(("catalogue", at), lambda: catalogue_before(told, self.events, at).cache(), (told,))

    def _with_people(self, people: pa.Table) -> ibis.Table:
        lines = self.events.select(*c.EVENT_LINES.names)
        return with_customer(lines, ibis.memtable(people)).select(*c.EVENTS.names)


@dataclass(frozen=True)
class BundleDraft:
    """What a family may read to derive columns of the customers' table while a bundle is assembled."""

    folder: Path  # the family's own folder
    as_of: datetime  # the bundle's tables hold no event at or after it
    items: pa.Table  # the items' table as it will be published
    item_columns: frozenset[str]  # its columns that families made
    policy: Policy  # the merchant's
    progress: Progress = silent
    threads: int = 2


@dataclass(frozen=True)
class Backtest:
    """A family and its baseline, evaluated on a window later than everything that they were fitted on.

    `paired` holds both on every case, for the gate's metric. Its metric on all cases is that of `metrics`.
    """

    window_start: datetime
    window_end: datetime
    cases: int
    metrics: Metrics
    baseline_metrics: Metrics
    paired: PairedCases
    baseline_name: str = "the baseline"  # of this backtest, in a few words
    nothing: str = ""  # a sentence, where the model predicted nothing that could be judged
    details: dict[str, Any] = field(default_factory=dict)  # JSON: for example a reliability curve
    predictions: pa.Table | None = None  # customer_id first: each customer's prediction and outcome


@dataclass(frozen=True)
class FittedFamily:
    """A family fitted on everything before `as_of`, ready to be written into a bundle."""

    write_files: Callable[[Path], None]  # into the family's own folder; .npy, .arrow, .txt and .json only
    table: pa.Table | None = None  # key column first; joined into the customers' or the items' table
    columns: dict[str, str] = field(default_factory=dict)  # column -> its description, in a marketer's words
    replays: list[Replay] = field(default_factory=list)

    def __post_init__(self) -> None:
        missing = sorted(set(self.columns) - set(self.table.column_names)) if self.table is not None else []
        if missing:
            raise ValueError(f"columns {', '.join(missing)} are described, but the table lacks them")


@dataclass(frozen=True)
class Rescored:
    """The predictions of a stored model as of now."""

    table: pa.Table  # like that of FittedFamily
    replays: list[Replay]


@dataclass(frozen=True)
class Gate:
    """The rule by which a family's model is published: clearly better than its baseline on one metric."""

    metric: str
    higher_is_better: bool
    label: str  # the metric in a reader's words
    unit: str  # what the backtest's independent units are, in the plural
    at_most: dict[str, float] = field(default_factory=dict)  # further metrics that must not exceed a bound


@dataclass(frozen=True)
class Family:
    """One family. `backtest` and `fit` raise NotEnoughData, saying what they need."""

    name: str
    kind: FamilyKind
    baseline: str  # in words
    gate: Gate
    parameters: type  # a frozen dataclass: every parameter, once, with its default
    backtest: Callable[[TrainingData], Backtest]
    fit: Callable[[TrainingData], FittedFamily]
    # The baseline, through the same columns and files; it answers where the model is not clearly better.
    fit_baseline: Callable[[TrainingData], FittedFamily] | None = None
    # Scores as of now by the model in a folder of the served bundle; BundleRefused where this version cannot read it.
    rescore: Callable[[TrainingData, Path], Rescored] | None = None
    requires: tuple[str, ...] = ()  # families whose parameters it reads, and whose fits it shares
    shown_metrics: tuple[str, ...] = ()  # those that the command line shows; empty: all
    # Makes columns of the customers' table that need the bundle's other tables, once all families' columns are joined.
    derive: Callable[[pa.Table, BundleDraft], pa.Table] | None = None
    derived_columns: Mapping[str, str] = field(default_factory=dict)  # what `derive` adds -> its description
