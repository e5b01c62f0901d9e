"""Catalogue updates: items upserted after the fit, without fitting anything again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import numpy as np

from contracts.errors import InputError
from contracts.validation.bounds import MAX_MONEY, MAX_UNITS
from recsys.data.attributes import Value
from recsys.data.catalogue import ALWAYS, Items
from recsys.data.item_counts import ItemCounters
from recsys.data.vocabulary import AppendedVocabulary, Texts, Vocabulary

MAX_ID_CHARS: Final = 200


@dataclass(frozen=True)
class ItemUpsert:
    """One item's fields; of an item that exists already, only price, stock and availability are updated."""

    item_id: str
    name: str | None = None
    category: str | None = None
    brand: str | None = None
    price: float | None = None
    stock: float | None = None
    available_from: datetime | None = None
    attributes: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 1 <= len(self.item_id) <= MAX_ID_CHARS:
            raise InputError(f"item_id has {len(self.item_id)} characters; 1 to {MAX_ID_CHARS} are allowed.")
        for name, value, most in (("price", self.price, MAX_MONEY), ("stock", self.stock, MAX_UNITS)):
            if value is not None and not 0 <= value <= most:
                raise InputError(f"{name} of {self.item_id!r} is {value}; 0 to {most:,.0f} is allowed.")
        if self.available_from is not None and self.available_from.tzinfo is None:
            raise InputError(f"available_from of {self.item_id!r} has no time zone; give one, such as …T12:00:00Z.")


def updated_catalogue(items: Items, updates: Sequence[ItemUpsert]) -> Items:
    """The catalogue with known items updated and unknown items appended; the last update of an id wins."""
    latest = {item.item_id: item for item in updates}
    known = {place: item for item_id, item in latest.items() if (place := items.ids.index(item_id)) >= 0}
    return _appended(_updated(items, known), [i for i in latest.values() if items.ids.index(i.item_id) < 0])


def resized_counters(counters: ItemCounters, size: int) -> ItemCounters:
    """The counters for a catalogue of `size` items; zero for the appended ones."""
    return ItemCounters(**{name: _padded(values, size, 0.0) for name, values in vars(counters).items()})


def _updated(items: Items, known: Mapping[int, ItemUpsert]) -> Items:
    columns = {name: getattr(items, name).copy() for name in ("price", "stock", "available_from")}
    for place, item in known.items():
        for name in ("price", "stock"):
            if getattr(item, name) is not None:
                columns[name][place] = getattr(item, name)
        if item.available_from is not None:
            columns["available_from"][place] = int(item.available_from.timestamp())
    return replace(items, **columns)


def _appended(items: Items, fresh: Sequence[ItemUpsert]) -> Items:
    if not fresh:
        return items
    categories, category = _coded(items.categories, items.category, [item.category for item in fresh])
    brands, brand = _coded(items.brands, items.brand, [item.brand for item in fresh])
    names = Texts.of(item.name or item.item_id for item in fresh)
    since = [ALWAYS if item.available_from is None else int(item.available_from.timestamp()) for item in fresh]
    return Items(
        ids=AppendedVocabulary(items.ids, [item.item_id for item in fresh]),
        names=Texts(
            np.concatenate([items.names.data, names.data]),
            np.concatenate([items.names.offsets, items.names.offsets[-1] + names.offsets[1:]]),
        ),
        categories=categories,
        brands=brands,
        category=category,
        brand=brand,
        price=_with_numbers(items.price, [item.price for item in fresh]),
        stock=_with_numbers(items.stock, [item.stock for item in fresh]),
        available_from=np.concatenate([items.available_from, np.array(since, np.int64)]),
        attributes=items.attributes.appended([item.attributes for item in fresh]),
    )


def _coded(vocabulary: Vocabulary, codes: np.ndarray, values: Sequence[str | None]) -> tuple[Vocabulary, np.ndarray]:
    """The vocabulary with the missing values appended, and the codes with those of `values` appended."""
    new = list(dict.fromkeys(value for value in values if value and vocabulary.index(value) < 0))
    resized = AppendedVocabulary(vocabulary, new) if new else vocabulary
    added = [resized.index(value) if value else -1 for value in values]
    return resized, np.concatenate([codes, np.array(added, np.int32)])


def _with_numbers(values: np.ndarray, more: Sequence[float | None]) -> np.ndarray:
    return np.concatenate([values, np.array([np.nan if v is None else v for v in more], np.float32)])


def _padded(values: np.ndarray, size: int, fill: float) -> np.ndarray:
    return np.concatenate([values, np.full(size - len(values), fill, values.dtype)])
