"""Attributes: the catalogue fields of a shop beyond the named columns, such as margin or colour."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from recsys.data.vocabulary import AppendedVocabulary, Vocabulary

MAX_ATTRIBUTES: Final = 50  # per catalogue; the attributes with the most values are kept
MAX_ATTRIBUTE_CHARS: Final = 100  # a longer text is a description, not a value to filter by
RESERVED: Final = ("category", "brand", "price", "stock")  # names of the named columns in a policy

Value = str | int | float
_TEXTS: Final = ("number_names", "text_names", "text_values")


@dataclass(frozen=True)
class Attributes:
    """Every attribute as an array over the items.

    `numbers` (number_names, items) float64, NaN where unknown; `texts` (text_names, items) int32 are indices into
    `text_values`, -1 where unknown. An attribute is a number if all its known values are finite numbers.
    """

    number_names: Vocabulary
    numbers: np.ndarray
    text_names: Vocabulary
    text_values: Vocabulary
    texts: np.ndarray

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Value]]) -> Self:
        """From one mapping per item; reserved names, and blank or too long values, are left out."""
        kept = _columns(rows)
        numbers = {name: found for name, values in kept.items() if (found := _as_numbers(values)) is not None}
        texts = {name: {item: str(v) for item, v in values.items()} for name, values in kept.items()}
        texts = {name: values for name, values in texts.items() if name not in numbers}
        vocabulary = Vocabulary.of(text for values in texts.values() for text in values.values())
        number_table = np.full((len(numbers), len(rows)), np.nan)
        text_table = np.full((len(texts), len(rows)), -1, np.int32)
        for row, name in enumerate(sorted(numbers, key=str.encode)):
            number_table[row, list(numbers[name])] = list(numbers[name].values())
        places = {text: place for place, text in enumerate(vocabulary.values())}
        for row, name in enumerate(sorted(texts, key=str.encode)):
            text_table[row, list(texts[name])] = [places[text] for text in texts[name].values()]
        return cls(Vocabulary.of(numbers), number_table, Vocabulary.of(texts), vocabulary, text_table)

    @classmethod
    def of_columns(
        cls, numbers: Mapping[str, np.ndarray], texts: Mapping[str, Sequence[str | None]], size: int
    ) -> Self:
        """From columns of `size` items: numbers (items,) float64, NaN where unknown, and texts, None where unknown."""
        values = Vocabulary.of(text for column in texts.values() for text in set(column) if text)
        places = {text: place for place, text in enumerate(values.values())}
        coded = {name: np.array([places.get(text or "", -1) for text in column]) for name, column in texts.items()}
        text_names, codes = _rows(coded, size, np.int32)
        return cls(*_rows(numbers, size, np.float64), text_names, values, codes)

    @property
    def names(self) -> list[str]:
        return sorted([*self.number_names.values(), *self.text_names.values()])

    def number(self, name: str) -> np.ndarray | None:
        """(items,) float64, or None without such a number."""
        row = self.number_names.index(name)
        return None if row < 0 else self.numbers[row]

    def text(self, name: str) -> np.ndarray | None:
        """(items,) int32 indices into `text_values`, or None without such a text."""
        row = self.text_names.index(name)
        return None if row < 0 else self.texts[row]

    def texts_of(self, item: int) -> dict[str, str]:
        """One item's known texts by attribute."""
        codes = enumerate(self.texts[:, item].tolist())
        return {self.text_names.value(row): self.text_values.value(code) for row, code in codes if code >= 0}

    def appended(self, rows: Sequence[Mapping[str, Value]]) -> "Attributes":
        """With appended items; their values of attributes that no item had before are left out."""
        new = [str(row[name]) for row in rows for name in self.text_names.values() if name in row]
        missing = list(
            dict.fromkeys(v for v in new if 0 < len(v) <= MAX_ATTRIBUTE_CHARS and self.text_values.index(v) < 0)
        )
        values = AppendedVocabulary(self.text_values, missing) if missing else self.text_values
        numbers = [[_number_or_nan(row.get(name)) for row in rows] for name in self.number_names.values()]
        texts = [[values.index(str(row.get(name, ""))) for row in rows] for name in self.text_names.values()]
        return Attributes(
            self.number_names,
            np.concatenate([self.numbers, np.array(numbers, np.float64).reshape(len(self.numbers), len(rows))], axis=1),
            self.text_names,
            values,
            np.concatenate([self.texts, np.array(texts, np.int32).reshape(len(self.texts), len(rows))], axis=1),
        )

    def joined(self, more: "Attributes") -> "Attributes":
        """With further attributes of these items, or of the first of them; `self` wins where both have a name."""
        size, known = self.numbers.shape[1], {*self.names, *RESERVED}
        missing = [text for text in more.text_values.values() if self.text_values.index(text) < 0]
        values = AppendedVocabulary(self.text_values, missing) if missing else self.text_values
        places = np.array([*(values.index(text) for text in more.text_values.values()), -1])  # maps -1 to -1
        numbers = {name: self.numbers[row] for row, name in enumerate(self.number_names.values())}
        texts = {name: self.texts[row] for row, name in enumerate(self.text_names.values())}
        for row, name in enumerate(more.number_names.values()):
            if name not in known:
                numbers[name] = _padded(more.numbers[row], size, np.nan)
        for row, name in enumerate(more.text_names.values()):
            if name not in known:
                texts[name] = _padded(places[more.texts[row]], size, -1)
        text_names, codes = _rows(texts, size, np.int32)
        return Attributes(*_rows(numbers, size, np.float64), text_names, values, codes)

    def to_arrays(self) -> dict[str, np.ndarray]:
        arrays = {"attributes_numbers": self.numbers, "attributes_texts": self.texts}
        for name in _TEXTS:
            texts = getattr(self, name)
            arrays |= {f"attributes_{name}_data": texts.data, f"attributes_{name}_offsets": texts.offsets}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Self:
        texts = [Vocabulary(arrays[f"attributes_{name}_data"], arrays[f"attributes_{name}_offsets"]) for name in _TEXTS]
        numbers, codes = (np.asarray(arrays[f"attributes_{name}"]) for name in ("numbers", "texts"))
        return cls(texts[0], numbers, texts[1], texts[2], codes)


def as_number(value: Value) -> float | None:
    """The value as a finite number, else None."""
    if isinstance(value, str) and "_" in value:  # Python parses 1_000 as a number; shops do not write it
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _rows(columns: Mapping[str, np.ndarray], size: int, dtype: Any) -> tuple[Vocabulary, np.ndarray]:
    """The sorted names, and their columns as (names, items)."""
    names = Vocabulary.of(columns)
    table = np.zeros((len(names), size), dtype)
    for row, name in enumerate(names.values()):
        table[row] = columns[name]
    return names, table


def _padded(values: np.ndarray, size: int, fill: float) -> np.ndarray:
    """The values padded to `size` items."""
    return np.pad(values, (0, size - len(values)), constant_values=fill)


def _number_or_nan(value: Value | None) -> float:
    number = None if value is None else as_number(value)
    return float("nan") if number is None else number


def _columns(rows: Sequence[Mapping[str, Value]]) -> dict[str, dict[int, Value]]:
    """By attribute, the value of each item that has one."""
    columns: dict[str, dict[int, Value]] = {}
    for item, row in enumerate(rows):
        for name, value in row.items():
            if name not in RESERVED and 0 < len(str(value)) <= MAX_ATTRIBUTE_CHARS:
                columns.setdefault(name, {})[item] = value
    stated = Counter({name: len(columns[name]) for name in sorted(columns)})
    return {name: columns[name] for name, _ in stated.most_common(MAX_ATTRIBUTES)}


def _as_numbers(values: Mapping[int, Value]) -> dict[int, float] | None:
    numbers: dict[int, float] = {}
    for item, value in values.items():
        number = as_number(value)
        if number is None:
            return None
        numbers[item] = number
    return numbers
