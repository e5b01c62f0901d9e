"""Ingest event files and the live event log into the warehouse: all of a call or nothing.

Records are staged in chunks (checked, quarantined or suppressed), deduplicated, written to the files of their days, and
joined to customers. Then the warehouse's index is replaced in one step, with the event log's position and the counts.
What is stored depends on the events alone, and not on their order or on how they are split over calls.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import ibis
import pyarrow as pa

from contracts import columns as c
from contracts.errors import StorageError
from contracts.logs.events import open_event_log
from contracts.privacy.tombstones import TombstoneFile
from contracts.progress import Progress, silent
from contracts.settings import Settings
from contracts.validation.amounts import DecimalSign
from pipelines.identity.tables import write_identity_tables
from pipelines.ingest.catalogue_updates import partial_updates, read_updates, upsert
from pipelines.ingest.deduplicate import deduplicate_events
from pipelines.ingest.files import Opened, open_files
from pipelines.ingest.precedence import PRECEDENCE, with_precedence
from pipelines.ingest.quarantine import RECORD_KEY
from pipelines.ingest.readers.catalogue import CatalogueFile
from pipelines.ingest.readers.event_log import EVENT_LOG, EventLogReader
from pipelines.ingest.readers.formats.format import Terms
from pipelines.ingest.readers.quarantine import QUARANTINE, QuarantineReader
from pipelines.ingest.report import Conflict, Counts, IngestReport
from pipelines.ingest.staging import Staging, open_staging
from pipelines.ingest.trim_log import remove_erased, trim_event_log
from pipelines.warehouse.catalogue import descriptions, latest_items
from pipelines.warehouse.file_index import LogPosition
from pipelines.warehouse.page_orders import unconfirmed_note
from pipelines.warehouse.schemas import CONSENT_STATEMENTS, ITEM_SKUS
from pipelines.warehouse.views import accepted_currencies
from pipelines.warehouse.warehouse import Draft, Warehouse, open_warehouse

STAGING: Final = "staging"


def ingest(
    settings: Settings,
    files: Sequence[Path] = (),
    mapping: str | None = None,
    catalogue: Path | None = None,
    now: datetime | None = None,
    progress: Progress = silent,
    *,
    decimal: DecimalSign | None = None,
    is_dry_run: bool = False,
) -> IngestReport:
    """Store the events of `files` and of the event log, the items of a catalogue file, and the catalogue updates.

    With a mapping (the name of a shipped one, or a path) the files are CSV or Parquet, without one JSON lines or
    exports of a known format. `decimal`: which sign marks decimals in tables. A dry run stores nothing. Raises
    InputError where a file cannot be read, and StorageError while another ingest runs; then nothing is stored.
    """
    received_at = now or datetime.now(UTC)
    opened = open_files(files, mapping, catalogue, Terms(received_at, decimal))
    warehouse = open_warehouse(settings)
    folder = warehouse.root / STAGING
    with (
        warehouse.writing() as draft,
        open_staging(
            folder,
            received_at,
            accepted_currencies(warehouse),
            settings.threads,
            progress,
            settings.event_rules,
            TombstoneFile(settings.home).current(),
        ) as staging,
    ):
        staging.expect(sum(path.stat().st_size for path, _ in opened.events))
        for path, export in opened.events:
            staging.add(str(path), export.source, export.blocks)
        position = _stage_event_log(settings.events_url, warehouse.index.log, staging)
        reprocessed_keys = _restage_quarantined(warehouse, staging)
        staging.finish()
        conflicts = _deduplicate(warehouse, draft, staging, progress)
        _write_skus(warehouse, draft, staging)
        file_counts = _write_catalogue(warehouse, draft, opened, read_updates(settings.items_path))
        _write_quarantine(warehouse, draft, staging, opened.refused_items, reprocessed_keys)
        notes = [*opened.notes, *unconfirmed_note(draft.lines(), warehouse.page_orders)]
        report = IngestReport(received_at, staging.counts, file_counts, conflicts, opened.recognized, notes, is_dry_run)
        if not report.total.adds_up:
            raise StorageError(f"the counts do not add up: {report.as_dict()}. This is a bug; nothing was stored.")
        if is_dry_run:
            report.examples = _examples(draft.table("quarantine"), received_at)
            draft.discard()
        else:
            progress("commit")
            draft.commit(position, report.as_dict())
            remove_erased(settings, staging.erased.get(EVENT_LOG, ()))
            trim_event_log(settings, position.cursor, received_at)
    return report


def _stage_event_log(url: str, position: LogPosition, staging: Staging) -> LogPosition:
    """Stage the new records of the event log; returns where the next call continues."""
    log = open_event_log(url)
    try:
        reader = EventLogReader(log, position)
        staging.add(EVENT_LOG, EVENT_LOG, reader.blocks())
        staging.counts[EVENT_LOG] += Counts(received=reader.repeats, duplicate=reader.repeats)
    finally:
        log.close()
    return reader.position


def _restage_quarantined(warehouse: Warehouse, staging: Staging) -> pa.Table:
    """Stage the quarantined records that can be stored now; returns their keys."""
    reader = QuarantineReader(warehouse.table("quarantine"), staging.currencies, staging.rules)
    if reader.keys.num_rows:
        staging.add(QUARANTINE, EVENT_LOG, reader.blocks())
    return reader.keys


def _deduplicate(warehouse: Warehouse, draft: Draft, staging: Staging, progress: Progress) -> list[Conflict]:
    lines, statements = staging.parts("lines"), staging.parts("consent")
    if not lines and not statements:
        return []
    deduplicated = deduplicate_events(warehouse, lines, draft, progress)
    staging.count_duplicates(deduplicated.duplicates)
    if (
        not statements
        and not deduplicated.has_replaced
        and not any(counts.stored for counts in staging.counts.values())
    ):
        return deduplicated.conflicts  # only duplicates
    progress("join people")
    union = warehouse.table("words").union(warehouse.parquet(statements, CONSENT_STATEMENTS))
    draft.write_table("words", _first(with_precedence(union), c.MESSAGE_ID, PRECEDENCE).select(union.columns))
    write_identity_tables(warehouse, draft, deduplicated.added, has_replaced=deduplicated.has_replaced)
    return deduplicated.conflicts


def _write_skus(warehouse: Warehouse, draft: Draft, staging: Staging) -> None:
    """Add the SKUs that the events of this call stated beside the product ids."""
    parts = staging.parts("skus")
    if parts:
        before = warehouse.table("skus")
        after = warehouse.cache(before.union(warehouse.parquet(parts, ITEM_SKUS), distinct=True))
        if _rows_changed(before, after):
            draft.write_table("skus", after.order_by(after.columns))


def _write_catalogue(warehouse: Warehouse, draft: Draft, opened: Opened, updates: pa.Table) -> Counts | None:
    """Update the catalogue by files, if there are any, and by the catalogue updates; returns the counts of the files.

    A row that is older than the stored one, or equal to it, counts as duplicate.
    """
    whole, partial = opened.items, opened.partial
    if whole is None and partial is None and not updates.num_rows:
        return None
    before = warehouse.cache(latest_items(warehouse.table("catalogue")))
    with_whole = warehouse.cache(latest_items(before, warehouse.register(whole.items))) if whole else before
    with_files = with_whole
    if partial is not None:
        with_files = warehouse.cache(upsert(with_whole, warehouse.register(partial_updates(partial.items))))
    after = warehouse.cache(upsert(with_files, warehouse.register(updates)))
    changed = _rows_changed(before, with_whole)
    changed_partly = _rows_changed(with_whole, with_files) if partial else 0
    if changed or changed_partly or _rows_changed(with_files, after):
        draft.write_table("catalogue", after.order_by(c.ITEM_ID))
        told = [before, after, *([warehouse.register(whole.items)] if whole else [])]
        draft.write_table("descriptions", descriptions(warehouse.table("descriptions"), *told))
    counts = [_item_counts(file, new) for file, new in ((whole, changed), (partial, changed_partly)) if file]
    return sum(counts, Counts()) if counts else None


def _item_counts(file: CatalogueFile, changed: int) -> Counts:
    read = file.items.num_rows
    received, repeated = read + file.quarantined.total(), read - changed
    return Counts(received, changed, repeated, file.quarantined, repaired=file.repaired, repairs=file.repairs)


def _rows_changed(before: ibis.Table, after: ibis.Table) -> int:
    return int(after.count().to_pyarrow().as_py() - after.intersect(before).count().to_pyarrow().as_py())


def _write_quarantine(
    warehouse: Warehouse, draft: Draft, staging: Staging, refused_items: Sequence[pa.Table], reprocessed_keys: pa.Table
) -> None:
    """Add the refused records of this call and remove the reprocessed ones; a repeated record is kept once."""
    refused = [warehouse.parquet(staging.parts("quarantine"), c.QUARANTINE)]
    refused += [warehouse.register(table) for table in refused_items]
    if reprocessed_keys.num_rows or any(table.count().to_pyarrow().as_py() for table in refused):
        union = (
            warehouse.table("quarantine").anti_join(warehouse.register(reprocessed_keys), RECORD_KEY).union(*refused)
        )
        draft.write_table("quarantine", _first(union, RECORD_KEY, [c.RECEIVED_AT, c.ORIGIN, c.SOURCE, c.CODE]))


def _examples(quarantine: ibis.Table, received_at: datetime) -> list[str]:
    """One refused record of this call for each code: where it is, and why it is refused."""
    refused = quarantine.filter(quarantine[c.RECEIVED_AT] == ibis.literal(received_at))
    found = _first(refused, c.CODE, [c.ORIGIN]).to_pyarrow().to_pylist()
    return [f"{row[c.ORIGIN]}: {row[c.CODE]}: {row[c.REASON]}" for row in found]


def _first(rows: ibis.Table, key: str, order: Sequence[str]) -> ibis.Table:
    """For each value of `key` the first row in that order."""
    ranked = rows.mutate(place=ibis.row_number().over(group_by=key, order_by=order))
    return ranked.filter(ibis._.place == 0).drop("place").order_by(key)
