"""Held-out customers who are merged with others stay held out."""

from pathlib import Path
from typing import Any

import pytest

from contracts.campaigns import held_out_customers
from pipelines.campaigns.held_out_ids import write_held_out_ids
from pipelines.campaigns.holdout import Assignment, assign_holdout, campaigns
from tests.pipelines.wire import consent, ingest_events, settings_in, warehouse_in, wire

YES = consent(marketing=True)
CUSTOMERS = [f"c{number:02}" for number in range(40)]


@pytest.fixture
def drawn(tmp_path: Path) -> Assignment:
    ingest_events(tmp_path, *(wire(f"w{name}", userId=name, context=YES) for name in CUSTOMERS))
    return assign_holdout(settings_in(tmp_path), "spring", 0.5)


def merge(home: Path, *events: dict[str, Any]) -> set[str]:
    """Ingest the events; who is held out afterwards."""
    ingest_events(home, *events)
    settings = settings_in(home)
    write_held_out_ids(settings, warehouse_in(home), campaigns(settings))
    return set(held_out_customers(settings))


def alias(number: int, previous_id: str, user_id: str) -> dict[str, Any]:
    return wire(f"a{number}", number, "alias", previousId=previous_id, userId=user_id)


def test_who_is_merged_with_a_held_out_customer_is_held_out_under_every_id(drawn: Assignment, tmp_path: Path) -> None:
    held_out, contacted = drawn.held_out.to_pylist(), drawn.contacted.to_pylist()
    assert set(held_out_customers(settings_in(tmp_path))) == set(held_out)
    found = merge(tmp_path, alias(1, held_out[0], contacted[0]), alias(2, contacted[1], contacted[2]))
    assert found == {*held_out, contacted[0]}  # two who are contacted stay so when they are merged
    found = merge(tmp_path, alias(3, contacted[0], "a"), wire("v", 4, anonymousId="17", userId="a"))
    assert found == {*held_out, contacted[0], "a", "anonymous:17"}  # also an id that was never drawn


def test_a_draw_after_a_merge_holds_the_earlier_ids_out_that_a_bundle_may_still_have(tmp_path: Path) -> None:
    people = [wire(f"w{name}", userId=name, context=YES) for name in CUSTOMERS]
    ingest_events(tmp_path, *people, *(alias(int(name[1:]), name, f"b{name}") for name in CUSTOMERS))
    drawn = assign_holdout(settings_in(tmp_path), "spring", 0.5)
    names = [name.removeprefix("b") for name in drawn.held_out.to_pylist()]
    assert 0 < len(names) < len(CUSTOMERS)
    assert set(held_out_customers(settings_in(tmp_path))) == {*names, *(f"b{name}" for name in names)}


def test_a_user_id_that_reads_like_a_visitors_is_found(tmp_path: Path) -> None:
    ingest_events(tmp_path, *(wire(f"w{n}", userId=f"anonymous:{n}", context=YES) for n in range(20)))
    drawn = assign_holdout(settings_in(tmp_path), "spring", 0.5)
    one = drawn.held_out[0].as_py()
    assert one.startswith("user:anonymous:")
    assert merge(tmp_path, alias(1, one.removeprefix("user:"), "zoe")) == {*drawn.held_out.to_pylist(), "zoe"}
