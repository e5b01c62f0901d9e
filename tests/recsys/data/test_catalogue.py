"""The catalogue: what it reads from rows, appends and finds again in its arrays."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from recsys.data.attributes import MAX_ATTRIBUTE_CHARS, MAX_ATTRIBUTES, Attributes, Value
from recsys.data.catalogue import FEW_CODES, Items, among
from recsys.data.vocabulary import Texts, Vocabulary

ROWS: list[dict[str, Value]] = [
    {"margin": "0.4", "colour": "red", "size": 7},
    {"margin": 2, "colour": "green", "size": "large"},
    {"colour": "red"},
]
ITEMS = Items.of(["c", "a", "b"], categories=["x", None, "y"], price=np.array([3.0, np.nan, 5.0]), attributes=ROWS)


def listed(values: np.ndarray | None) -> list[float | None]:
    assert values is not None
    return [None if np.isnan(value) else float(value) for value in values]


def test_an_attribute_is_a_number_if_all_its_values_are() -> None:
    assert ITEMS.ids.values() == ["a", "b", "c"]
    assert listed(ITEMS.numbers("margin")) == [2.0, None, 0.4]
    assert ITEMS.numbers("size") is None
    found = ITEMS.codes("size")
    assert found is not None
    codes, values = found
    assert [values.value(code) if code >= 0 else None for code in codes.tolist()] == ["large", None, "7"]


@pytest.mark.parametrize("text", ["nan", "inf", "1_000", "12px", "0x10"])
def test_what_only_a_program_reads_as_a_number_is_a_text(text: str) -> None:
    assert Attributes.of([{"a": text}, {"a": "1"}]).text_names.values() == ["a"]


def test_the_named_columns_are_attributes_as_well() -> None:
    assert listed(ITEMS.numbers("price")) == [None, 5.0, 3.0]
    assert ITEMS.having("category", ("y", "nowhere")) is not None
    assert np.flatnonzero(ITEMS.having("category", ("y", "nowhere"))).tolist() == [1]  # type: ignore[arg-type]


def test_items_are_found_by_texts_and_by_numbers_however_they_are_written() -> None:
    def places(name: str, *values: str) -> list[int]:
        having = ITEMS.having(name, values)
        assert having is not None
        return np.flatnonzero(having).tolist()  # type: ignore[no-any-return]

    assert places("colour", "red") == [1, 2]
    assert places("colour", "red", "green", "blue") == [0, 1, 2]
    assert places("margin", "0.40") == [2]
    assert places("margin", "2.0", "many") == [0]
    assert places("margin") == []
    assert ITEMS.having("weight", ("1",)) is None


def test_items_that_are_alike_are_in_one_group() -> None:
    rows = [{"size": 1}, {"size": 2}, {"size": "1.0"}, {}]
    groups = Items.of(list("abcd"), attributes=rows).groups("size")
    assert groups is not None
    assert (groups[0], groups[3]) == (groups[2], -1)
    assert groups[0] != groups[1]
    assert ITEMS.groups("weight") is None


def test_attributes_are_bounded_and_do_not_shadow_the_named_columns() -> None:
    wide = {f"rare{n:02d}": "x" for n in range(MAX_ATTRIBUTES)}
    found = Attributes.of(
        [wide | {"price": "7", "essay": "x" * (MAX_ATTRIBUTE_CHARS + 1)}, {"zeal": ""}, {"zest": 1}] * 2
    )
    assert len(found.names) == MAX_ATTRIBUTES
    assert not {"price", "essay", "zeal"} & set(found.names)
    common = Attributes.of([wide, {"zest": 1}, {"zest": 2}])
    assert "zest" in common.names  # of too many, those that most items state


def test_attributes_of_further_items_are_appended() -> None:
    found = ITEMS.attributes.appended(
        [{"margin": "7", "colour": "blue", "weight": 3}, {"margin": "much", "colour": "red", "size": 7}, {}]
    )
    colour = found.text("colour")
    assert colour is not None
    assert listed(found.number("margin")) == [2.0, None, 0.4, 7.0, None, None]
    values = [found.text_values.value(code) if code >= 0 else None for code in colour.tolist()]
    assert values == ["green", "red", "red", "blue", "red", None]
    assert found.text_values.index("blue") == colour[3]
    assert found.names == ITEMS.attributes.names
    none = Attributes.of([{}]).appended([{"margin": 1}])
    assert (none.numbers.shape, none.texts.shape) == ((0, 2), (0, 2))


def test_items_survive_their_arrays_memory_mapped(tmp_path: Path) -> None:
    for name, array in ITEMS.to_arrays().items():
        np.save(tmp_path / f"{name}.npy", array, allow_pickle=False)
    again = Items.from_arrays({file.stem: np.load(file, mmap_mode="r") for file in tmp_path.glob("*.npy")})
    assert again.attributes.names == ["colour", "margin", "size"]
    assert listed(again.numbers("margin")) == listed(ITEMS.numbers("margin"))
    for name in ("colour", "size", "category"):
        (codes, texts), (old_codes, old_texts) = again.codes(name), ITEMS.codes(name)  # type: ignore[misc]
        assert codes.tolist() == old_codes.tolist()
        assert texts.values() == old_texts.values()


def test_reading_does_not_depend_on_how_annotations_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """`from __future__ import annotations` would turn the fields' types into texts."""
    for field in fields(Items):
        monkeypatch.setattr(field, "type", getattr(field.type, "__name__", str(field.type)))
    again = Items.from_arrays(ITEMS.to_arrays())
    assert (type(again.ids), type(again.names)) == (Vocabulary, Texts)
    assert again.ids.values() == ITEMS.ids.values()


@pytest.mark.parametrize("count", [0, 1, FEW_CODES, FEW_CODES + 5])
def test_codes_are_found_among_few_and_among_many(count: int) -> None:
    codes = np.arange(-1, 30, dtype=np.int32)
    wanted = [-1, *range(3, 3 + count)]
    assert codes[among(codes, wanted)].tolist() == wanted[1:]


def test_a_number_that_no_item_has_counts_as_unknown() -> None:
    absurd = np.array([1e308, -np.inf, 2.0])
    items = Items.of(["a", "b", "c"], price=absurd, stock=absurd)
    assert listed(items.price) == listed(items.stock) == [None, None, 2.0]
