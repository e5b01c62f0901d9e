"""Rows of a table as rows of the catalogue, by the part `items` of a mapping."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from contracts import columns as c
from contracts.validation.amounts import DecimalSign
from pipelines.ingest.readers.record import Record, Refusal
from pipelines.ingest.readers.rows import Row, Rows
from pipelines.ingest.readers.tables.cells import Cells
from pipelines.ingest.readers.tables.groups import carried_down
from pipelines.ingest.readers.tables.language import ItemRule, Items, Mapping, Parent, field_columns
from pipelines.ingest.readers.tables.money import read_money

_TEXTS: Final = (c.ITEM_ID, c.ITEM_NAME, c.ITEM_CATEGORY, c.ITEM_BRAND, c.AVAILABLE_FROM, c.UPDATED_AT)
_Item = dict[str, Any]


def item_records(table: Rows, mapping: Mapping, decimal: DecimalSign | None) -> Iterator[Record]:
    """The items of a table, in the form that a catalogue file has. Rows that are no items are left out."""
    assert mapping.items is not None
    if mapping.carry_down is not None:
        table = carried_down(table, mapping.carry_down)
    rows: Iterable[Row] = table.rows
    if mapping.items.parent is not None:
        rows = _with_parents(list(rows), table.columns, mapping.items.parent)
    items = _ItemReader(mapping, mapping.items, table.columns, decimal)
    found: Iterable[tuple[Row, Any]] = ((row, items(row)) for row in rows)
    if mapping.items.add_up_stock:
        found = _added_up(found)
    for row, item in found:
        if row.refusal is not None or isinstance(item, Refusal):
            yield Record(b"", row.number, 0, row.refusal or item, (table.columns, row.values))
        elif item is not None:
            yield Record(b"", row.number, 0, None, (tuple(item), tuple(item.values())))


class _ItemReader:
    """A callable from a row to an item: None where the row is none, or why it cannot be read."""

    def __init__(self, mapping: Mapping, items: Items, columns: tuple[str, ...], decimal: DecimalSign | None) -> None:
        self._cells = Cells(mapping, columns, field_columns(items))
        self._items = items
        self._decimal = decimal
        self._rules = [(rule, self._conditions(rule)) for rule in items.rules]
        self._attributes = [(name, self._cells.place_of_column(column)) for name, column in items.attributes.items()]
        self._pairs = [tuple(map(self._cells.place_of_column, pair)) for pair in items.attribute_pairs]
        self._places = {name: self._cells.place_of(name) for name in c.CATALOGUE.names if name != c.ATTRIBUTES}

    def __call__(self, row: Row) -> _Item | Refusal | None:
        if row.refusal is not None:
            return None
        texts = self._cells(row.values)
        rule = self._rule(texts)
        if rule is not None and rule.leave_out:
            return None
        price = texts[self._places[c.PRICE]]
        money = read_money(price, self._decimal)
        if price and money is None:
            return Refusal("bad_amount", f"the price {price[:40]!r} is no number, or has another decimal sign.")
        item: _Item = {name: texts[self._places[name]].removeprefix("'") or None for name in _TEXTS}
        item |= {c.PRICE: money and money.amount, c.STOCK: self._stock(texts[self._places[c.STOCK]], rule)}
        item[c.ITEM_CATEGORY] = self._category(item[c.ITEM_CATEGORY])
        return {name: value for name, value in item.items() if value is not None} | self._further(texts)

    def _conditions(self, rule: ItemRule) -> list[tuple[int, Callable[[str], Any]]]:
        when = rule.when.items()
        return [(self._cells.place_of_column(column), re.compile(pattern).fullmatch) for column, pattern in when]

    def _rule(self, texts: list[str]) -> ItemRule | None:
        matching = (
            rule for rule, conditions in self._rules if all(matches(texts[place]) for place, matches in conditions)
        )
        return next(matching, None)

    def _stock(self, text: str, rule: ItemRule | None) -> str | float | None:
        if rule is not None and (rule.is_untracked or rule.stock is not None):
            return None if rule.is_untracked else rule.stock
        money = read_money(text, self._decimal)
        return text or None if money is None else money.amount

    def _category(self, text: str | None) -> str | None:
        separator = self._items.category_list
        return text.split(separator)[0].strip() if text and separator else text

    def _further(self, texts: list[str]) -> _Item:
        found = {name: texts[place] for name, place in self._attributes if texts[place]}
        return found | {texts[name]: texts[value] for name, value in self._pairs if texts[name] and texts[value]}


def _added_up(found: Iterable[tuple[Row, Any]]) -> Iterator[tuple[Row, Any]]:
    """One item for each id: the first, with the stock of all. Rows that are refused stay."""
    items: dict[str, tuple[Row, _Item]] = {}
    for row, item in found:
        if not isinstance(item, dict) or c.ITEM_ID not in item:
            yield row, item
            continue
        _, first = items.setdefault(item[c.ITEM_ID], (row, item))
        stock = item.get(c.STOCK)
        if first is not item and isinstance(stock, float):
            first[c.STOCK] = first.get(c.STOCK, 0.0) + stock
    yield from items.values()


def _with_parents(rows: list[Row], columns: tuple[str, ...], parent: Parent) -> Iterator[Row]:
    """The rows with the blank cells of `parent.columns` filled from the row that each names as its parent."""
    places = {column: place for place, column in enumerate(columns)}
    readable = [row for row in rows if row.refusal is None]
    named = {
        f"{before}{row.values[places[column]]}": row.values
        for column, before in parent.names.items()
        for row in readable
        if row.values[places[column]]
    }
    filled = [places[column] for column in parent.columns]
    for row in rows:
        parent_cells = named.get(row.values[places[parent.column]]) if row.refusal is None else None
        if parent_cells is None:
            yield row
            continue
        cells = list(row.values)
        for place in filled:
            cells[place] = cells[place] or parent_cells[place]
        yield Row(row.number, tuple(cells))
