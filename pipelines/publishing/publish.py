"""Make a bundle of the newly fitted families and the previous version of the others, and publish it."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import ibis
import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from contracts.bundle import (
    CUSTOMERS_TABLE,
    FAMILY_TABLE,
    FORMAT_VERSION,
    ITEMS_TABLE,
    Bundle,
    FamilyEntry,
    FamilyKind,
    Manifest,
    Replay,
    hash_files,
    read_table,
    write_table,
)
from contracts.bundle_store import BundlePointer, BundleStore, open_bundle_store
from contracts.errors import BundleRefused, NoBundle, NotEnoughData
from contracts.progress import Progress, silent
from contracts.settings import Settings
from pipelines.campaigns.held_out_ids import write_held_out_ids
from pipelines.campaigns.holdout import campaigns
from pipelines.families.family import BundleDraft
from pipelines.families.registry import FAMILIES, STORE_CADENCE
from pipelines.features.customer import customer_base
from pipelines.publishing.customer_columns import DERIVED_COLUMNS, with_derived_columns
from pipelines.publishing.kpi_tables import write_kpis
from pipelines.training.challengers import Challenger, ChallengerStore
from pipelines.training.tracking import Tracker
from pipelines.training.train import default_as_of, family_parameters
from pipelines.warehouse import views
from pipelines.warehouse.warehouse import EventWindow, Warehouse, open_warehouse
from recsys.reranking.policy import Policy
from recsys.reranking.policy_file import read_policy

# What a bundle repeats of the settings: how it was made, never where or with which keys.
_RECORDED_SETTINGS: Final = ("threads", "seed", "families")
_FACTS: Final = {
    c.FIRST_ORDER_AT: "When the customer placed the first order that was not fully cancelled or refunded.",
    c.LAST_ORDER_AT: "When the customer placed the latest order that was not fully cancelled or refunded.",
    c.ORDERS: "Orders that were not fully cancelled or refunded.",
    c.REVENUE: "What the customer has spent on products, less what was given back, in the store's currency.",
    c.COUNTRY: "The latest known country.",
    c.CHANNEL: "The latest known marketing channel.",
    c.DEVICE: "The latest known kind of device.",
    c.AS_OF: "The row uses only events before this instant.",
    c.CONSENT_PERSONALIZATION: "Whether the customer allows personalization; empty if no consent was stated.",
    c.CONSENT_MARKETING: "Whether the customer allows marketing; empty if no consent was stated.",
}
_KEYS: Final[dict[FamilyKind, str]] = {"items": c.ITEM_ID, "customers": c.CUSTOMER_ID}


@dataclass(frozen=True)
class _Contents:
    """What a bundle under construction holds so far."""

    entries: dict[str, FamilyEntry] = field(default_factory=dict)
    replays: dict[str, list[Replay]] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)  # of customers, beside the families'
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Published:
    """A published version, and where each of its families comes from."""

    version: str
    path: Path
    new: list[str]
    kept: list[str]  # carried over from the version before
    missing: dict[str, str]  # neither: why
    refused: str | None = None  # why nothing could be kept from the version before, where it cannot be read


def publish(settings: Settings, progress: Progress = silent) -> Published:
    """Publish the challengers that answer, and what else is new; raises NoBundle where nothing is.

    Families without a challenger that answers are kept from the current version, with the table that their model has
    made since. Where the current version is damaged or of another format, nothing can be kept from it.
    """
    store = open_bundle_store(settings.bundles_url)
    challengers = ChallengerStore(settings.candidates_path)
    loaded = {name: challengers.load(name) for name in FAMILIES}
    new = {name: challenger for name, challenger in loaded.items() if challenger is not None and challenger.answers}
    with store.draft() as draft:
        previous, refused = _previous(store)
        kept = [name for name in _families_of(previous) if name not in new]
        if not new and not any(_has_rescored(previous, name, loaded.get(name)) for name in kept):
            why = "; ".join(f"{name}: {words}" for name, words in _why_missing(loaded, ()).items())
            raise NoBundle(f"nothing to publish ({why}). Run `shopkeeper train`.")
        progress("publish: write")
        created_at = datetime.now(UTC)
        version = new_version(created_at)
        contents = _Contents()
        for challenger in new.values():
            _add_challenger(contents, draft, challengers, challenger, version)
        if previous is not None:
            for name in kept:
                _add_previous(contents, draft, previous, name, challengers, loaded.get(name))
        window = _write_tables(draft, settings, contents, progress)
        manifest = _manifest(draft, contents, version, created_at, window)
        progress("publish: verify and switch")
        pointer = store.publish(draft, manifest)
    progress("publish: promote champions")
    _promote_champions(settings, manifest)
    return Published(
        version=pointer.version,
        path=store.open(pointer).path,
        new=list(new),
        kept=kept,
        missing=_why_missing(loaded, manifest.families),
        refused=refused,
    )


def new_version(created_at: datetime) -> str:
    """The name of a version that is made then."""
    return f"{created_at:%Y%m%dT%H%M%S}{created_at.microsecond // 1000:03d}Z"


def rollback(settings: Settings, version: str | None = None) -> BundlePointer:
    """Make an earlier version current again, and give its families the alias `champion` back."""
    store = open_bundle_store(settings.bundles_url)
    pointer = store.rollback(version)
    _promote_champions(settings, store.open(pointer).manifest)
    return pointer


def _previous(store: BundleStore) -> tuple[Bundle | None, str | None]:
    """The current bundle, if there is one that can be read; else why it is refused, if it is."""
    try:
        return store.open(store.current()), None
    except NoBundle:
        return None, None
    except BundleRefused as error:
        return None, str(error)


def _families_of(bundle: Bundle | None) -> list[str]:
    return list(bundle.manifest.families) if bundle is not None else []


def _why_missing(challengers: Mapping[str, Challenger | None], present: Any) -> dict[str, str]:
    absent = {name: challenger for name, challenger in challengers.items() if name not in present}
    return {name: challenger.verdict.reason if challenger else "not trained" for name, challenger in absent.items()}


def _has_rescored(previous: Bundle | None, name: str, challenger: Challenger | None) -> bool:
    """Whether the published model of the family has made a new table since."""
    entry = previous.manifest.families.get(name) if previous is not None else None
    return entry is not None and challenger is not None and challenger.rescored_version == entry.bundle_version


def _add_challenger(
    contents: _Contents, draft: Path, challengers: ChallengerStore, challenger: Challenger, version: str
) -> None:
    name = challenger.family
    challengers.copy_files(name, draft / name)
    table = challengers.table(name)
    if table is not None:
        write_table(draft / name / FAMILY_TABLE, table)
    contents.entries[name], contents.replays[name] = _entry(challenger, version), challenger.replays


def _add_previous(
    contents: _Contents,
    draft: Path,
    previous: Bundle,
    name: str,
    challengers: ChallengerStore,
    challenger: Challenger | None,
) -> None:
    """Keep the previous version of a family, with the table that its own model has made since, if there is one."""
    shutil.copytree(previous.path / name, draft / name)
    entry, replays = previous.manifest.families[name], previous.manifest.replays.get(name, [])
    table = challengers.table(name)
    if challenger is not None and table is not None and _has_rescored(previous, name, challenger):
        write_table(draft / name / FAMILY_TABLE, table)
        entry, replays = msgspec.structs.replace(entry, as_of=challenger.as_of), challenger.replays
    contents.entries[name], contents.replays[name] = entry, replays


def _entry(challenger: Challenger, version: str) -> FamilyEntry:
    return FamilyEntry(
        kind=challenger.kind,
        as_of=challenger.as_of,
        bundle_version=version,
        run_id=challenger.run_id,
        model_version=challenger.model_version,
        baseline=challenger.baseline,
        verdict=challenger.verdict,
        metrics=challenger.metrics,
        baseline_metrics=challenger.baseline_metrics,
        parameters=challenger.parameters,
        columns=challenger.columns,
    )


def _write_tables(draft: Path, settings: Settings, contents: _Contents, progress: Progress) -> EventWindow:
    """Join every table family's columns to the customers and to the items; returns the window of the events."""
    warehouse = open_warehouse(settings)
    write_held_out_ids(settings, warehouse, campaigns(settings))  # the table below may have merged customers
    events, as_of = views.events(warehouse), default_as_of(warehouse)
    items = _joined(draft, contents, "items", views.catalogue(warehouse).to_pyarrow())
    customers = _joined(draft, contents, "customers", _customers(warehouse, events, as_of))
    bundle_draft = BundleDraft(
        folder=draft,
        as_of=as_of,
        items=items,
        item_columns=frozenset(
            name for entry in contents.entries.values() if entry.kind == "items" for name in entry.columns
        ),
        policy=read_policy(settings.policy) if settings.policy else Policy(),
        progress=progress,
        threads=settings.threads,
    )
    families = [family for name, family in FAMILIES.items() if name in contents.entries]
    customers = with_derived_columns(customers, families, bundle_draft)
    for family in families:
        contents.replays[family.name] = [_as_published(replay, customers) for replay in contents.replays[family.name]]
    described = _FACTS | DERIVED_COLUMNS | {k: v for family in families for k, v in family.derived_columns.items()}
    contents.columns.update({name: described[name] for name in customers.column_names if name in described})
    write_table(draft / ITEMS_TABLE, items)
    write_table(draft / CUSTOMERS_TABLE, customers)
    write_kpis(draft, events, as_of, customers, family_parameters(STORE_CADENCE, settings))
    recorded = {name: getattr(settings, name) for name in _RECORDED_SETTINGS}
    contents.settings.update(recorded | {"currency": views.currency(warehouse)})
    return warehouse.event_window()


def _joined(draft: Path, contents: _Contents, kind: FamilyKind, table: pa.Table) -> pa.Table:
    """The table with the columns of all families of this kind; replays whose row is not there are dropped."""
    key = _KEYS[kind]
    names = [name for name, entry in contents.entries.items() if entry.kind == kind]
    for name in names:
        # A family may keep more in its table than it publishes, and derive columns from it.
        own = read_table(draft / name / FAMILY_TABLE).select([key, *contents.entries[name].columns])
        table = table.join(own, keys=key, join_type="left outer")
    table = table.sort_by(key)  # by bytes, since readers find a row by bisection
    for name in names:
        contents.replays[name] = _still_answerable(contents.replays[name], table[key], key)
    return table


def _customers(warehouse: Warehouse, events: ibis.Table, as_of: datetime) -> pa.Table:
    base = customer_base(events, as_of).to_pyarrow()
    consent = warehouse.consent().to_pyarrow().drop_columns([c.CONSENT_ANALYTICS])
    known_at = pa.repeat(pa.scalar(as_of, c.TIMESTAMP), base.num_rows)
    return base.append_column(c.AS_OF, known_at).join(consent, keys=c.CUSTOMER_ID, join_type="left outer")


def _still_answerable(replays: list[Replay], keys: pa.ChunkedArray, key: str) -> list[Replay]:
    """The replays of customers or items that are still there: a kept family may refer to one that is gone."""
    present = set(
        pc.unique(keys.filter(pc.is_in(keys, pa.array([r.request[key] for r in replays], keys.type)))).to_pylist()
    )
    return [replay for replay in replays if replay.request[key] in present]


def _as_published(replay: Replay, customers: pa.Table) -> Replay:
    """The replay with what the customers' table says, since columns may have been derived."""
    customer_id = replay.request.get(c.CUSTOMER_ID)
    published = set(replay.expected) <= set(customers.column_names)
    if replay.route != "customer" or not published:
        return replay
    (row,) = customers.filter(pc.equal(customers[c.CUSTOMER_ID], customer_id)).to_pylist()
    return msgspec.structs.replace(replay, expected={name: row[name] for name in replay.expected})


def _manifest(
    draft: Path,
    contents: _Contents,
    version: str,
    created_at: datetime,
    window: EventWindow,
) -> Manifest:
    if window.first is None or window.last is None:
        raise NotEnoughData("the store has no events. Run `shopkeeper ingest FILE` first.")
    return Manifest(
        format_version=FORMAT_VERSION,
        version=version,
        created_at=created_at,
        window_start=window.first,
        window_end=window.last,
        consent_cut=created_at,
        families=contents.entries,
        files=hash_files(draft),
        replays=contents.replays,
        settings=contents.settings,
        columns=contents.columns,
    )


def _promote_champions(settings: Settings, manifest: Manifest) -> None:
    tracker = Tracker(settings.mlflow_url, settings.home.resolve() / "mlartifacts")
    for name, entry in manifest.families.items():
        tracker.promote_champion(name, entry.model_version)
