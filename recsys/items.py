"""The catalogue as arrays: what the policy filters by, what the features read, what the reasons name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from recsys.vocabulary import Texts, Vocabulary

ALWAYS: Final = np.iinfo(np.int64).min  # available_from of an item that always was


@dataclass(frozen=True)
class Items:
    """Every item that may be recommended; item i is at place i of every array.

    `category` and `brand` (items,) int32 are places in `categories` and `brands`, -1 where unknown; `price` (items,)
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
    ) -> Self:
        """From one entry per item, in any order; an item without a name is called by its id."""
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
            price=np.asarray(unknown if price is None else price, np.float32)[order],
            stock=np.asarray(unknown if stock is None else stock, np.float32)[order],
            available_from=np.asarray(np.full(len(ids), ALWAYS) if available_from is None else available_from)[order],
        )

    def __len__(self) -> int:
        return len(self.ids)

    def to_arrays(self) -> dict[str, np.ndarray]:
        arrays: dict[str, np.ndarray] = {}
        for name, value in vars(self).items():
            if isinstance(value, Texts):
                arrays |= {f"items_{name}_data": value.data, f"items_{name}_offsets": value.offsets}
            else:
                arrays[f"items_{name}"] = value
        return arrays

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any]) -> Self:
        values: dict[str, Any] = {}
        for name, field in cls.__dataclass_fields__.items():
            form = {"Vocabulary": Vocabulary, "Texts": Texts}.get(getattr(field.type, "__name__", ""))
            if form is None:
                values[name] = np.asarray(arrays[f"items_{name}"])
            else:
                values[name] = form(arrays[f"items_{name}_data"], arrays[f"items_{name}_offsets"])
        return cls(**values)


def _coded(values: Sequence[str | None] | None, order: np.ndarray) -> tuple[Vocabulary, np.ndarray]:
    """The vocabulary of the values and the code of each item in `order`, -1 for None or an empty text."""
    texts = [values[i] or "" for i in order] if values else [""] * len(order)
    vocabulary = Vocabulary.of(text for text in texts if text)
    return vocabulary, vocabulary.indices(texts).astype(np.int32)
