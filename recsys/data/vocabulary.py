"""Texts as two flat arrays, which can be memory-mapped and shared between processes."""

from collections.abc import Iterable, Sequence
from typing import Self

import numpy as np

from recsys.kernels.jit import jit, read_only


class Texts:
    """A list of texts in two arrays: UTF-8 bytes `data` (bytes,) uint8 and `offsets` (texts + 1,) int64."""

    def __init__(self, data: np.ndarray, offsets: np.ndarray) -> None:
        assert data.dtype == np.uint8
        assert len(offsets) >= 1
        # asarray turns a memory map into a plain view of the same pages, which is ten times as fast to slice.
        self.data = np.asarray(data)
        self.offsets = np.asarray(offsets)
        # A memoryview returns Python integers: slicing with them takes a third of the time of numpy integers.
        self._bytes, self._places = memoryview(self.data), memoryview(self.offsets)  # type: ignore[arg-type]
        self._arrays = read_only(self.data), read_only(self.offsets)

    @classmethod
    def of(cls, values: Iterable[str]) -> Self:
        """The texts in the given order."""
        encoded = [value.encode() for value in values]
        offsets = np.zeros(len(encoded) + 1, np.int64)
        np.cumsum([len(value) for value in encoded], out=offsets[1:])
        return cls(np.frombuffer(b"".join(encoded), np.uint8), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def value(self, index: int) -> str:
        return str(self._bytes[self._places[index] : self._places[index + 1]], "utf-8")

    def values(self) -> list[str]:
        """All texts; O(texts), so not during a request."""
        return [self.value(index) for index in range(len(self))]

    def _raw(self, index: int) -> bytes:
        return bytes(self._bytes[self._places[index] : self._places[index + 1]])


class Vocabulary(Texts):
    """Distinct texts sorted by their UTF-8 bytes, looked up by binary search."""

    @classmethod
    def of(cls, values: Iterable[str]) -> Self:
        """The distinct texts among `values`, sorted."""
        return super().of(sorted(set(values), key=str.encode))

    def index(self, value: str) -> int:
        """The index of `value`, or -1."""
        wanted = value.encode()
        place = int(_first_not_before(*self._arrays, np.frombuffer(wanted, np.uint8)))
        return place if place < len(self) and self._raw(place) == wanted else -1

    def indices(self, values: Sequence[str]) -> np.ndarray:
        """(values,) int64 indices, -1 where unknown; builds a dict, so not during a request."""
        places = {value: place for place, value in enumerate(self.values())}
        return np.array([places.get(value, -1) for value in values], np.int64)


class AppendedVocabulary(Vocabulary):
    """A vocabulary to which distinct new texts were appended; the indices of the others do not change."""

    def __init__(self, first: Vocabulary, more: Sequence[str]) -> None:
        added = Texts.of(more)
        super().__init__(
            np.concatenate([first.data, added.data]),
            np.concatenate([first.offsets, first.offsets[-1] + added.offsets[1:]]),
        )
        self._first = first
        self._more = {value: len(first) + place for place, value in enumerate(more)}

    def index(self, value: str) -> int:
        place = self._first.index(value)
        return place if place >= 0 else self._more.get(value, -1)


@jit
def _first_not_before(data: np.ndarray, offsets: np.ndarray, wanted: np.ndarray) -> int:
    """The index of the first text that is not before `wanted` in byte order, by binary search."""
    low, high = 0, len(offsets) - 1
    while low < high:
        middle = (low + high) // 2
        start, size = offsets[middle], offsets[middle + 1] - offsets[middle]
        place = 0
        while place < size and place < len(wanted) and data[start + place] == wanted[place]:
            place += 1
        if place < len(wanted) and (place == size or data[start + place] < wanted[place]):
            low = middle + 1
        else:
            high = middle
    return low
