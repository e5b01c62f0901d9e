"""The catalogue as arrays, for policies, features and reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from contracts.validation.bounds import MAX_MONEY, MAX_UNITS
from recsys.data.attributes import RESERVED, Attributes, Value, as_number
from recsys.data.vocabulary import Texts, Vocabulary

ALWAYS: Final = np.iinfo(np.int64).min  # available_from of an item without a start
FEW_CODES: Final = 8  # with at most as many, comparing with each code is faster than a table
_TEXT_COLUMNS: Final = {"ids": Vocabulary, "names": Texts, "categories": Vocabulary, "brands": Vocabulary}
_NUMBER_COLUMNS: Final = ("category", "brand", "price", "stock", "available_from")


@dataclass(frozen=True)
class Items:
    """Every item that may be recommended; item i is at index i of every array.

    `category` and `brand` (items,) int32 are indices into `categories` and `brands`, -1 where unknown; `price` (items,)
    float32, NaN where unknown; `stock` (items,) float32, NaN where not tracked; `available_from` (items,) int64,
    seconds since 1970 UTC.
    """

    ids: Vocabulary
    names: Texts
    categories: Vocabulary
    brands: Vocabulary
    category: np.ndarray
    brand: np.ndarray
    price: np.ndarray
    stock: np.ndarray
    available_from: np.ndarray
    attributes: Attributes

    @classmethod
    def of(
        cls,
        ids: Sequence[str],
        names: Sequence[str | None] | None = None,
        categories: Sequence[str | None] | None = None,
        brands: Sequence[str | None] | None = None,
        price: np.ndarray | None = None,
        stock: np.ndarray | None = None,
        available_from: np.ndarray | None = None,
        attributes: Sequence[Mapping[str, Value]] | None = None,
    ) -> Self:
        """From one entry per item, in any order; the name of an item without one is its id."""
        vocabulary = Vocabulary.of(ids)
        assert len(vocabulary) == len(ids), "item ids are distinct"
        order = np.argsort(vocabulary.indices(ids)) if len(ids) else np.zeros(0, np.int64)
        unknown = np.full(len(ids), np.nan, np.float32)
        category_names, category = _coded(categories, order)
        brand_names, brand = _coded(brands, order)
        return cls(
            ids=vocabulary,
            names=Texts.of(((names[i] if names else None) or ids[i]) for i in order),
            categories=category_names,
            brands=brand_names,
            category=category,
            brand=brand,
            price=unknown if price is None else _bounded(price, MAX_MONEY)[order],
            stock=unknown if stock is None else _bounded(stock, MAX_UNITS)[order],
            available_from=np.asarray(np.full(len(ids), ALWAYS) if available_from is None else available_from)[order],
            attributes=Attributes.of([attributes[i] if attributes else {} for i in order]),
        )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def attribute_names(self) -> list[str]:
        """All names that a policy may use."""
        return [*RESERVED, *self.attributes.names]

    def numbers(self, name: str) -> np.ndarray | None:
        """(items,) price, stock or a numeric attribute, NaN where unknown; None if `name` is none of these."""
        named = {"price": self.price, "stock": self.stock}
        return named[name] if name in named else self.attributes.number(name)

    def codes(self, name: str) -> tuple[np.ndarray, Vocabulary] | None:
        """(items,) indices of category, brand or a text attribute, -1 where unknown, and the vocabulary."""
        named = {"category": (self.category, self.categories), "brand": (self.brand, self.brands)}
        if name in named:
            return named[name]
        codes = self.attributes.text(name)
        return None if codes is None else (codes, self.attributes.text_values)

    def groups(self, name: str) -> np.ndarray | None:
        """(items,) int32, equal for items with an equal `name`, -1 where unknown; None if there is no `name`."""
        coded, numbers = self.codes(name), self.numbers(name)
        if coded is not None:
            return coded[0]
        if numbers is None:
            return None
        _, groups = np.unique(numbers, return_inverse=True)
        return np.where(np.isnan(numbers), -1, groups).astype(np.int32)

    def having(self, name: str, values: Sequence[str]) -> np.ndarray | None:
        """(items,) bool: whether the item's `name` is one of `values`; None if the catalogue has no `name`."""
        coded, numbers = self.codes(name), self.numbers(name)
        if coded is not None:
            return among(coded[0], [coded[1].index(value) for value in values])
        if numbers is None:
            return None
        return np.isin(numbers, [number for value in values if (number := as_number(value)) is not None])

    def to_arrays(self) -> dict[str, np.ndarray]:
        arrays: dict[str, np.ndarray] = {}
        for name, value in vars(self).items():
            if isinstance(value, Attributes):
                arrays |= {f"items_{inner}": array for inner, array in value.to_arrays().items()}
            elif isinstance(value, Texts):
                arrays |= {f"items_{name}_data": value.data, f"items_{name}_offsets": value.offsets}
            else:
                arrays[f"items_{name}"] = value
        return arrays

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any]) -> Self:
        own = {key.removeprefix("items_"): array for key, array in arrays.items() if key.startswith("items_")}
        values: dict[str, Any] = {name: np.asarray(own[name]) for name in _NUMBER_COLUMNS}
        for name, form in _TEXT_COLUMNS.items():
            values[name] = form(own[f"{name}_data"], own[f"{name}_offsets"])
        return cls(**values, attributes=Attributes.from_arrays(own))


def _bounded(values: np.ndarray, most: float) -> np.ndarray:
    """(items,) float32; a value that an item cannot have counts as unknown: it was stored before it was refused."""
    numbers = np.asarray(values, np.float64)
    return np.where(np.abs(numbers) <= most, numbers, np.nan).astype(np.float32)


def among(codes: np.ndarray, wanted: Sequence[int]) -> np.ndarray:
    """(codes,) bool: whether the code is one of `wanted`; false for unknown codes, -1."""
    known = sorted({code for code in wanted if code >= 0})
    if len(known) > FEW_CODES:
        return np.isin(codes, known, kind="table")
    found = np.zeros(len(codes), bool)
    for code in known:
        found |= codes == code
    return found


def _coded(values: Sequence[str | None] | None, order: np.ndarray) -> tuple[Vocabulary, np.ndarray]:
    """The vocabulary of the values and the code of each item in `order`, -1 for None or an empty text."""
    texts = [values[i] or "" for i in order] if values else [""] * len(order)
    vocabulary = Vocabulary.of(text for text in texts if text)
    return vocabulary, vocabulary.indices(texts).astype(np.int32)
