"""The warehouse: the person's events and consent statements, and the identities that follow from them."""

from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from contracts.logs.events import open_event_log
from contracts.privacy.erasable import DataClass, Person
from contracts.settings import Settings
from pipelines.identity.tables import write_identity_tables
from pipelines.privacy.person import events_of
from pipelines.warehouse import file_index
from pipelines.warehouse.file_index import LogPosition
from pipelines.warehouse.schemas import PERSON_ID
from pipelines.warehouse.warehouse import Draft, Warehouse, open_warehouse


class WarehouseStore:
    """`Erasable`. An event of somebody else on a shared device stays, without the device's id."""

    name = "warehouse"
    data_class: DataClass = "events"
    files = ("warehouse/events/**/*.parquet", *(f"warehouse/tables/{t}-*.parquet" for t in ("people", "consent")))
    files += ("warehouse/tables/sightings-*.parquet", "warehouse/tables/words-*.parquet", "warehouse/staging/**/*")

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def export(self, person: Person) -> list[dict[str, Any]]:
        warehouse = open_warehouse(self._settings)
        lines, words = warehouse.lines(), warehouse.table("words")
        people, consent = warehouse.identity_map(), warehouse.consent()
        found = {
            "events": lines.filter(events_of(lines, person)).order_by([c.OCCURRED_AT, c.MESSAGE_ID, c.LINE]),
            "consent_statements": words.filter(events_of(words, person)),
            "identities": people.filter(people[PERSON_ID].isin(sorted(person.ids))),
            "consent": consent.filter(consent[c.CUSTOMER_ID].isin(sorted(person.customer_ids))),
        }
        return [{"table": name, **row} for name, rows in found.items() for row in rows.to_pyarrow().to_pylist()]

    def erase(self, person: Person) -> int:
        warehouse = open_warehouse(self._settings)
        with warehouse.writing() as draft:
            erased = _erase_events(warehouse, draft, person) + _erase_statements(warehouse, draft, person)
            if erased:
                write_identity_tables(warehouse, draft, draft.lines(), has_replaced=True)
            draft.commit(_position(self._settings, warehouse.index.log), None)
            file_index.remove_unlisted(warehouse.root, warehouse.index)
        return erased

    def expire(self, before: datetime) -> int:
        """Whole days; statements of consent stay, since they show what was agreed to."""
        warehouse = open_warehouse(self._settings)
        with warehouse.writing() as draft:
            old = [day for day in warehouse.index.days if day < before.date().isoformat()]
            for day in old:
                draft.remove_day(day)
            expired = sum(warehouse.index.days[day].lines for day in old)
            if old:
                write_identity_tables(warehouse, draft, draft.lines(), has_replaced=True)
                draft.commit(warehouse.index.log, None)
                file_index.remove_unlisted(warehouse.root, warehouse.index)
        return expired


def _erase_events(warehouse: Warehouse, draft: Draft, person: Person) -> int:
    lines = warehouse.lines()
    is_shared = lines[c.ANONYMOUS_ID].isin(sorted(person.ids)).fill_null(False)
    touched = lines.filter(events_of(lines, person) | is_shared)
    days = touched.select(day=touched[c.OCCURRED_AT].date()).distinct().order_by("day").to_pyarrow()["day"].to_pylist()
    erased = 0
    for day in days:
        stored = warehouse.lines([day.isoformat()])
        kept = stored.filter(~events_of(stored, person)).to_pyarrow()
        erased += warehouse.index.days[day.isoformat()].lines - kept.num_rows
        draft.write_day(day.isoformat(), _without_device(kept, person).sort_by(_ORDER))
    return erased


def _without_device(lines: pa.Table, person: Person) -> pa.Table:
    """The lines, without the person's anonymous ids where somebody else has signed in on the device."""
    ids = pa.array(sorted(person.ids), pa.string())
    is_other = pc.fill_null(pc.and_(pc.is_in(lines[c.ANONYMOUS_ID], ids), pc.is_valid(lines[c.USER_ID])), False)
    blank = pc.if_else(is_other, pa.scalar(None, pa.string()), lines[c.ANONYMOUS_ID])
    return lines.set_column(lines.column_names.index(c.ANONYMOUS_ID), c.ANONYMOUS_ID, blank)


def _erase_statements(warehouse: Warehouse, draft: Draft, person: Person) -> int:
    words = warehouse.table("words")
    own = int(words.filter(events_of(words, person)).count().to_pyarrow().as_py())
    if own:
        draft.write_table("words", words.filter(~events_of(words, person)).order_by(c.MESSAGE_ID))
    return own


def _position(settings: Settings, position: LogPosition) -> LogPosition:
    """The position in the event log; without the key of a record that was erased there."""
    log = open_event_log(settings.events_url)
    try:
        found = log.read(position.cursor - 1, 1) if position.cursor else []
    finally:
        log.close()
    is_there = bool(found) and found[0].cursor == position.cursor
    return position if is_there else LogPosition(position.cursor, "", position.duplicates)


_ORDER: Final = [(name, "ascending") for name in (c.OCCURRED_AT, c.MESSAGE_ID, c.LINE)]
