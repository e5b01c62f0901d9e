"""The demo's store keeps its days when the demo is run again, and two stores never mix."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from contracts.errors import InputError
from contracts.settings import load_settings
from shopkeeper.commands.demo.store import DAYS, demo_store
from tests.pipelines.wire import ingest_events, wire

LAST, LATER = date(2026, 3, 31), date(2026, 4, 2)


def test_a_new_store_ends_on_the_day_and_keeps_it_when_the_demo_runs_again_later(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "demo")
    first = demo_store(settings, 40_000, LAST, is_given=False)
    assert (first.date_of(DAYS - 1), first.days, first.seed) == (LAST, DAYS, settings.seed)
    assert demo_store(settings, 40_000, LATER, is_given=False) == first
    elsewhere = demo_store(load_settings(home=tmp_path / "other"), 40_000, LATER, is_given=False)
    assert replace(elsewhere, start=first.start) == first


def test_another_store_in_the_folder_is_refused_with_what_to_do(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "demo")
    demo_store(settings, 40_000, LAST, is_given=True)
    for events, day, is_given in ((50_000, LAST, False), (40_000, LATER, True)):
        with pytest.raises(InputError, match=r"end on 2026-03-31.*rm -r"):
            demo_store(settings, events, day, is_given=is_given)


def test_events_that_no_record_tells_of_are_not_mixed_with_new_ones(tmp_path: Path) -> None:
    ingest_events(tmp_path, wire("1", userId="ann"))
    with pytest.raises(InputError, match=r"an earlier version made it.*rm -r"):
        demo_store(load_settings(home=tmp_path), 40_000, LAST, is_given=False)
