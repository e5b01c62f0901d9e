"""Rows of a table in groups, such as the lines of an order, of which only the first has the cells of the whole."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from contracts.errors import InputError
from pipelines.ingest.readers.rows import Row, Rows
from pipelines.ingest.readers.tables.language import CarryDown

GROUP_ROW: Final = "row of its group"  # a column that is added: from 1


def carried_down(table: Rows, down: CarryDown) -> Rows:
    """The rows with the blank cells of `down.columns` filled from the first row of their group.

    The copies, and the number of the row in its group, are further columns.
    """
    columns = (*table.columns, *down.copies, GROUP_ROW)
    return Rows(columns, _filled(table, _Groups.of(table.columns, down)))


@dataclass(frozen=True)
class _Groups:
    """Places of cells."""

    key: int | None
    start: list[tuple[int, Callable[[str], Any]]]
    filled: list[int]
    copied: list[int]

    @classmethod
    def of(cls, columns: tuple[str, ...], down: CarryDown) -> "_Groups":
        places = {column: place for place, column in enumerate(columns)}
        return cls(
            places[down.key] if down.key is not None else None,
            [(places[column], re.compile(pattern).fullmatch) for column, pattern in down.start.items()],
            [places[column] for column in down.columns if column in places],
            [places[column] for column in down.copies.values()],
        )

    def starts(self, values: tuple[Any, ...], first: tuple[Any, ...] | None) -> bool:
        """Whether a row begins a group; `first` is the first row of the group before it."""
        if first is None:
            return True
        if self.key is not None:
            return bool(values[self.key] != first[self.key])
        return all(matches(str(values[place]).strip()) for place, matches in self.start)


def _filled(table: Rows, groups: _Groups) -> Iterator[Row]:
    first: tuple[Any, ...] | None = None
    number = 0
    seen: set[int] = set()  # hashes of the groups' keys: less memory than the keys
    for row in table.rows:
        values = row.values
        if row.refusal is not None:
            yield row
            continue
        if first is None or groups.starts(values, first):
            first, number = values, 1
            _check_order(groups, values, seen)
        else:
            number += 1
            cells = list(values)
            for place in groups.filled:
                if _is_blank(cells[place]):
                    cells[place] = first[place]
            values = tuple(cells)
        yield Row(row.number, (*values, *[first[place] for place in groups.copied], str(number)))


def _check_order(groups: _Groups, values: tuple[Any, ...], seen: set[int]) -> None:
    """Raise InputError where a group begins that was there before: its first row is elsewhere."""
    if groups.key is None or _is_blank(values[groups.key]):
        return
    key = hash(values[groups.key])
    if key in seen:
        raise InputError(
            f"the rows of {str(values[groups.key])[:40]!r} do not follow each other, so that it is not certain what "
            "belongs to them. Was the file sorted, or two files joined? Export it again, and do not sort it."
        )
    seen.add(key)


def _is_blank(value: Any) -> bool:
    return value is None or value == "" or value != value  # pandas writes NaN for what is missing
