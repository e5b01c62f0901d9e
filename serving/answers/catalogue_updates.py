"""Arrivals: what the shop told of its items since the bundle was made, from whichever worker it was told to."""

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from contracts import columns as c
from contracts.catalogue_log import ItemLog, Word
from recsys.data.catalogue_updates import NewItem
from recsys.recommender import Recommender

# What the catalogue calls each field of an item.
STATED_NAMES: Final = {
    "name": c.ITEM_NAME,
    "category": c.ITEM_CATEGORY,
    "brand": c.ITEM_BRAND,
    "price": c.PRICE,
    "stock": c.STOCK,
    "available_from": c.AVAILABLE_FROM,
    "attributes": c.ATTRIBUTES,
}


def stated(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of an item, by the names of the catalogue."""
    return {column: fields[name] for name, column in STATED_NAMES.items() if name in fields}


class Arrivals:
    """The item log's content, kept up to date; it owns the log."""

    def __init__(self, log: ItemLog) -> None:
        self._item_log = log
        self._lock = threading.Lock()
        self._told: dict[str, _Words] = {}
        self.version = 0  # grows with every item that is told

    def tell(self, rows: Sequence[tuple[str, Mapping[str, Any]]], told_at: datetime) -> None:
        """Store what is said of each item id, durably. Raises StorageError."""
        self._item_log.append(rows, told_at)

    def refresh(self) -> None:
        """Read what was told since the last time, here or to another worker. Raises StorageError."""
        with self._lock:
            for word in self._item_log.read(self.version):
                self._told[word.item_id] = {**self._told.get(word.item_id, {}), word.name: word}
                self.version = word.cursor

    def news_to(self, recommender: Recommender, now: datetime) -> list[NewItem]:
        """What the recommender does not know yet: of its own items, what was told after the events it has seen."""
        ids, as_of = recommender.retriever.items.ids, datetime.fromtimestamp(recommender.as_of, UTC)
        with self._lock:
            told = list(self._told.items())
        news = []
        for item_id, words in told:
            is_known = ids.index(item_id) >= 0
            heard = {name: word for name, word in words.items() if not is_known or word.told_at > as_of}
            if heard:
                news.append(_new_item(heard, is_known, as_of, now))
        return news

    def next_launch(self, now: datetime) -> datetime | None:
        """When the next told item that is not available yet will be."""
        with self._lock:
            launches = [_launch(words) for words in self._told.values()]
        return min((launch for launch in launches if launch is not None and launch > now), default=None)

    def close(self) -> None:
        self._item_log.close()


_Words = Mapping[str, Word]  # by field


def _launch(words: _Words) -> datetime | None:
    word = words.get(c.AVAILABLE_FROM)
    return None if word is None else datetime.fromisoformat(word.value)


def _new_item(words: _Words, is_known: bool, as_of: datetime, now: datetime) -> NewItem:
    """The recommender's clock stands still at its `as_of`: what has arrived by now, it must have arrived by then."""
    own, launch = words[c.ITEM_ID], _launch(words)
    arrived = None if is_known and launch is None else launch or own.told_at
    if arrived is not None and arrived <= now:
        arrived = min(arrived, as_of)
    fields = {name: words[column].value for name, column in STATED_NAMES.items() if column in words}
    return NewItem(own.item_id, **fields | {"available_from": arrived})
