"""The cells of a row as text, with the cells that a mapping adds: constants, joined columns, the first of several."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from pipelines.ingest.readers.tables.language import Column, Joined, Mapping, listed

NOTHING: Final = -1  # the place of what the mapping lacks: the last cell, which is always blank


class Cells:
    """A callable from one row's values, in the order of the file's columns, to texts: the row's own, then the added.

    A NaN is blank, as pandas writes it for what is missing, but not in `numbers`: there it is an error of the file.
    """

    def __init__(
        self, mapping: Mapping, columns: tuple[str, ...], fields: dict[str, Column], numbers: Sequence[str] = ()
    ) -> None:
        self._places = {column: place for place, column in enumerate(columns)}
        self._constants = list(mapping.constants.values())
        forms = (str, str.lower, str.upper, str.capitalize, str.title)
        self._blanks = frozenset(form(word) for word in mapping.blanks for form in forms)
        self._added: list[Callable[[list[str]], str]] = []
        self._width = len(columns) + len(self._constants)
        self._of_field = {name: len(columns) + number for number, name in enumerate(mapping.constants)}
        for name, joined in mapping.joined.items():
            self._places[name] = self._add(self._joiner(joined))
        for field, column in fields.items():
            place = self._first_of(column)
            if place != NOTHING:
                self._of_field[field] = place
        self._numbers = [place for name in numbers if 0 <= (place := self.place_of(name)) < len(columns)]

    def place_of(self, field: str) -> int:
        """Where the field's cell is in the texts of a row; `NOTHING` if the mapping or the file lacks it."""
        return self._of_field.get(field, NOTHING)

    def place_of_column(self, column: str) -> int:
        """The same of a column, also of a joined one."""
        return self._places.get(column, NOTHING)

    def __call__(self, values: tuple[Any, ...]) -> list[str]:
        try:
            texts = list(map(str.strip, values))
        except TypeError:  # typed columns, as of Parquet
            texts = [_TEXT_OF.get(type(value), str)(value) for value in values]
            for place in self._numbers:
                if values[place] != values[place]:
                    texts[place] = "nan"
        if not self._blanks.isdisjoint(texts):
            texts = ["" if text in self._blanks else text for text in texts]
        texts += self._constants
        for added in self._added:
            texts.append(added(texts))
        texts.append("")
        return texts

    def _add(self, function: Callable[[list[str]], str]) -> int:
        self._added.append(function)
        return self._width + len(self._added) - 1

    def _first_of(self, column: Column) -> int:
        places = [self._places[each] for each in listed(column) if each in self._places]
        if len(places) < 2:
            return places[0] if places else NOTHING

        def first(texts: list[str]) -> str:
            for place in places:
                if texts[place]:
                    return texts[place]
            return ""

        return self._add(first)

    def _joiner(self, joined: Joined) -> Callable[[list[str]], str]:
        pieces = [
            (self._places[column], before)
            for column, before in zip(joined.columns, ["", *joined.between], strict=True)
            if column in self._places
        ]

        def join(texts: list[str]) -> str:
            text = ""
            for place, before in pieces:
                if cell := texts[place]:
                    text += before + cell if text else cell
            return text

        return join


def _float_text(value: float) -> str:
    """Blank for NaN, which pandas writes for missing values; whole numbers without a decimal point."""
    if value != value:
        return ""
    return str(int(value)) if value.is_integer() else str(value)


def _no_text(value: None) -> str:
    return ""


# Functions that turn a cell into text, by its type; other types use `str`.
_TEXT_OF: Final[dict[type, Callable[[Any], str]]] = {str: str.strip, float: _float_text, type(None): _no_text}
