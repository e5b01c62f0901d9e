"""Catalogue updates: what the shop stated about its items after the bundle was made, to any worker."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from contracts import columns as c
from contracts.errors import InputError
from contracts.logs.catalogue import CatalogueLog, FieldUpdate
from recsys.data.catalogue_updates import ItemUpsert
from recsys.recommender import Recommender

# Field of POST /v1/items -> column of the catalogue.
CATALOGUE_COLUMNS: Final = {
    "name": c.ITEM_NAME,
    "category": c.ITEM_CATEGORY,
    "brand": c.ITEM_BRAND,
    "price": c.PRICE,
    "stock": c.STOCK,
    "available_from": c.AVAILABLE_FROM,
    "attributes": c.ATTRIBUTES,
}

_Updates = Mapping[str, FieldUpdate]  # the latest update of each column, of one item


def catalogue_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an item, by the catalogue's column names."""
    return {column: fields[name] for name, column in CATALOGUE_COLUMNS.items() if name in fields}


class CatalogueUpdates:
    """The content of the catalogue log, kept up to date; it owns the log. Thread-safe."""

    def __init__(self, log: CatalogueLog) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._by_item: dict[str, _Updates] = {}
        self.version = 0  # grows with every update

    def append(self, rows: Sequence[tuple[str, Mapping[str, Any]]], received_at: datetime) -> None:
        """Store the fields of each item id durably. Raises StorageError."""
        self._log.append(rows, received_at)

    def refresh(self) -> None:
        """Read what this worker and others stored since the last call. Raises StorageError."""
        with self._lock:
            for update in self._log.read(self.version):
                self._by_item[update.item_id] = {**self._by_item.get(update.item_id, {}), update.name: update}
                self.version = update.cursor

    def updates_for(
        self, recommender: Recommender, now: datetime, row_updated_at: Callable[[str], datetime | None]
    ) -> tuple[list[ItemUpsert], dict[str, str]]:
        """What the recommender does not know: new items, and updates of its own items after its `as_of`.

        `row_updated_at` gives the time of an item's row in the catalogue that the recommender was fitted to, None where
        it is not known. An earlier update is in that row, or a catalogue file replaced it.
        Second, by id of each item whose values are not allowed, the reason: an older version may have stored it.
        """
        ids, as_of = recommender.retriever.items.ids, datetime.fromtimestamp(recommender.as_of, UTC)
        with self._lock:
            by_item = list(self._by_item.items())
        unknown: list[ItemUpsert] = []
        refused: dict[str, str] = {}
        for item_id, updates in by_item:
            is_known = ids.index(item_id) >= 0
            row_at = row_updated_at(item_id) if is_known else None
            later = {
                name: update
                for name, update in updates.items()
                if not is_known or (update.updated_at > as_of and (row_at is None or update.updated_at >= row_at))
            }
            try:
                unknown += [_new_item(later, is_known, as_of, now)] if later else []
            except InputError as error:
                refused[item_id] = str(error)
        return unknown, refused

    def next_launch(self, now: datetime) -> datetime | None:
        """The earliest `available_from` after `now`."""
        with self._lock:
            launches = [_launch(updates) for updates in self._by_item.values()]
        return min((launch for launch in launches if launch is not None and launch > now), default=None)

    def close(self) -> None:
        self._log.close()


def _launch(updates: _Updates) -> datetime | None:
    update = updates.get(c.AVAILABLE_FROM)
    return None if update is None else datetime.fromisoformat(update.value)


def _new_item(updates: _Updates, is_known: bool, as_of: datetime, now: datetime) -> ItemUpsert:
    """The recommender uses `as_of` as the current time: an item available now must be available by then."""
    own, launch = updates[c.ITEM_ID], _launch(updates)
    available_from = None if is_known and launch is None else launch or own.updated_at
    if available_from is not None and available_from <= now:
        available_from = min(available_from, as_of)
    fields = {name: updates[column].value for name, column in CATALOGUE_COLUMNS.items() if column in updates}
    return ItemUpsert(own.item_id, **fields | {"available_from": available_from})
