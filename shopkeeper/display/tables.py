"""Tables that fit the terminal: text wraps between words, then the last columns are left out; nothing is cut short."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from shopkeeper.display.console import console, print_paragraph

NOTHING: Final = "–"
GAP: Final = 2  # characters between columns
MOST_WRAPPED: Final = 16  # characters to which a column that was asked for may be wrapped


@dataclass(frozen=True)
class Column:
    """One column: its head and a cell of text per row."""

    head: str
    cells: Sequence[str]
    is_number: bool = False
    least: int | None = None  # characters to which its text may be wrapped; None: never
    styles: Sequence[str] = ()  # of the cells, by Rich's names

    @property
    def width(self) -> int:
        return max(map(len, (self.head, *self.cells)))

    @property
    def least_width(self) -> int:
        """The least width at which no word is broken, or `least` where a word is longer than that."""
        if self.least is None:
            return self.width
        words = [word for cell in (self.head, *self.cells) for word in cell.split()]
        return min(self.width, max(self.least, min(max(map(len, words), default=0), 2 * self.least)))


def print_table(title: str, columns: Sequence[Column], gap: int = GAP, *, has_file: bool = True) -> None:
    """Print the columns, the most important first; those at the end that do not fit are named below the table."""
    shown = _fitting(columns, gap)
    _print(title, shown, gap)
    left_out = [column.head for column in columns[len(shown) :]]
    if left_out:
        more = "; --format csv has every column" if has_file else ""
        print_paragraph(f"Not shown for lack of width: {', '.join(left_out)}{more}.")


def print_rows(title: str, rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    """Print all columns that were asked for by name: as a table where they fit, else a block of lines per row."""
    if not rows:
        console.print(title, highlight=False, markup=False)
        return
    columns = [Column(name, [printable(row[name]) for row in rows], least=MOST_WRAPPED) for name in names]
    if len(_fitting(columns, GAP)) == len(columns):
        _print(title, columns, GAP)
        return
    console.print(Text(title, "italic"))
    width = max(map(len, names))
    for row in rows:
        console.print()
        for name in names:
            print_paragraph(f"{name:{width}}  {printable(row[name])}", indent=width + 2)


def printable(value: Any) -> str:
    """A cell's text. Ids and names come from outside, so control characters are replaced."""
    if value is None or value == "":
        return NOTHING
    text = (
        "; ".join(map(str, value))
        if isinstance(value, list)
        else f"{value:,.2f}"
        if isinstance(value, float)
        else str(value)
    )
    return "".join(sign if sign.isprintable() else "�" for sign in text)


def number(value: Any) -> str:
    """The text of a cell in which numbers are mostly whole: whole ones have no decimals."""
    return f"{value:,.0f}" if isinstance(value, float) and value.is_integer() else printable(value)


def counted(count: int, noun: str) -> str:
    """A count with its noun, as in "1 item" and "2,000 items"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def words(code: str | None) -> str:
    """A code such as `out_of_stock` in words."""
    return re.sub("_", " ", code) if code else NOTHING


def _fitting(columns: Sequence[Column], gap: int) -> Sequence[Column]:
    """As many of the first columns as fit, at least one."""
    shown = list(columns)
    while len(shown) > 1 and sum(column.least_width for column in shown) + gap * (len(shown) - 1) > console.width:
        shown.pop()
    return shown


def _widths(columns: Sequence[Column], gap: int) -> list[int]:
    """The least width of each, and what is left for those that would need more, narrowest need first."""
    widths = [column.least_width for column in columns]
    left = console.width - gap * (len(columns) - 1) - sum(widths)
    wanting = sorted(
        (column.width - least, place) for place, (column, least) in enumerate(zip(columns, widths, strict=True))
    )
    for rank, (need, place) in enumerate(wanting):
        given = min(need, max(left, 0) // (len(wanting) - rank))
        widths[place] += given
        left -= given
    return widths


def _print(title: str, columns: Sequence[Column], gap: int) -> None:
    if title:
        console.print(Text(title, "italic"), soft_wrap=True)
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.padding = (0, gap - 1, 0, 0)
    for column, width in zip(columns, _widths(columns, gap), strict=True):
        justify: Any = "right" if column.is_number else "left"
        table.add_column(column.head, justify=justify, width=width, overflow="fold")
    for row in range(len(columns[0].cells)):
        styles = [column.styles[row] if column.styles else "" for column in columns]
        table.add_row(*(Text(column.cells[row], style) for column, style in zip(columns, styles, strict=True)))
    console.print(table)
