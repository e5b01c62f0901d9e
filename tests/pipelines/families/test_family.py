"""What families are given: the customers' history of their own events and cut-off, fetched once in a run."""

from dataclasses import replace

import ibis
import pyarrow as pa
import pytest

from contracts import columns as c
from pipelines.families.family import FittedFamily, TrainingData
from pipelines.families.registry import FAMILIES
from pipelines.families.run_cache import RunCache
from tests.worlds import day, events_table, order

ROWS = [*order("ann", 1, {"tea": 1}), *order("ann", 9, {"tea": 1})]


def data_of(rows: list[dict[str, object]]) -> TrainingData:
    nothing = ibis.memtable(c.CATALOGUE.empty_table())
    return TrainingData(ibis.memtable(events_table(rows)), nothing, day(20), parameters=None)


def test_a_run_shares_the_history_of_the_same_events_and_cut_off_only() -> None:
    data = data_of(ROWS)
    history = data.history
    assert replace(data, parameters="another family's").history is history
    assert replace(data, as_of=day(5)).history.order_days(day(20)).num_rows == 1
    assert replace(data_of(ROWS[:1]), cache=data.cache).history.order_days(day(20)).num_rows == 1
    assert data.history.order_days(day(20)).num_rows == 2


def test_two_runs_share_no_history() -> None:
    data = data_of(ROWS)
    assert replace(data, cache=RunCache()).history is not data.history


def test_what_a_family_requires_is_a_family() -> None:
    for family in FAMILIES.values():
        assert set(family.requires) <= set(FAMILIES) - {family.name}


def test_a_described_column_is_in_the_table() -> None:
    table = pa.table({c.CUSTOMER_ID: ["ann"], "risk": [0.5]})
    assert FittedFamily(lambda folder: None, table, {"risk": "How likely."}).table is table
    with pytest.raises(ValueError, match="columns band are described"):
        FittedFamily(lambda folder: None, table, {"risk": "How likely.", "band": "In words."})
