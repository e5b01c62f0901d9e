import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmarks.demand.meta import Condition, Meta, parse_condition, parse_meta, read_meta
from contracts.errors import InputError
from models.demand.frequency import WEEK

FRAME = pd.DataFrame(
    {"open": [0, 1, 2], "kind": ["a", "b", None], "price": [1.5, None, 3.0], "is_x": [True, False, True]}
)


def test_a_whole_meta_is_read(tmp_path: Path) -> None:
    given = {"frequency": "W-FRI", "horizon": 8, "known_future": ["open"], "score_only_where": "open == 1", "unit": "u"}
    (tmp_path / "meta.json").write_text(json.dumps(given))
    assert read_meta(tmp_path / "meta.json") == Meta(WEEK, 8, ("open",), Condition("open", "==", "1"))
    assert parse_meta({"frequency": "W", "horizon": 8}) == Meta(WEEK, 8)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"horizn": 3}, "does not know 'horizn'"),
        ({"frequency": "H"}, "frequency 'H' is not known"),
        ({"frequency": 7}, "frequency is 7"),
        ({"horizon": 0}, "horizon is 0"),
        ({"horizon": True}, "horizon is True"),
        ({"horizon": "28"}, "horizon is '28'"),
        ({"known_future": "open"}, "known_future is 'open'"),
        ({"score_only_where": 1}, "score_only_where is 1"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_meta({"frequency": "D", "horizon": 3} | change)


def test_a_meta_that_is_missing_or_broken_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is missing"):
        read_meta(tmp_path / "meta.json")
    (tmp_path / "meta.json").write_text("{")
    with pytest.raises(InputError, match="is no JSON"):
        read_meta(tmp_path / "meta.json")
    (tmp_path / "meta.json").write_text('{"frequency": "D"}')
    with pytest.raises(InputError, match="lacks horizon"):
        read_meta(tmp_path / "meta.json")


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("open == 1", [1]),
        ("open>=1", [1, 2]),
        ("open != 1", [0, 2]),
        ("kind == 'b'", [1]),
        ('kind != "b"', [0]),
        ("kind == b", [1]),
        ("price < 2", [0]),
        ("price != 2", [0, 2]),
        ("is_x == true", [0, 2]),
    ],
)
def test_a_condition_holds_where_it_should(text: str, rows: list[int]) -> None:
    assert parse_condition(text).holds(FRAME).nonzero()[0].tolist() == rows


@pytest.mark.parametrize(
    "text", ["", "open", "open = 1", "open == 1 and price < 2", "__import__('os').system('true') == 0", "open == f()(1"]
)
def test_what_is_no_single_comparison_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="give null, or one comparison"):
        parse_condition(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [("shut == 1", "names 'shut'"), ("open == often", "name a number"), ("kind < b", "use == or !=")],
)
def test_a_condition_that_does_not_fit_the_columns_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_condition(text).holds(FRAME)
