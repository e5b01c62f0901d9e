"""The leak test of the families: what a backtest knows before its cut is the same, whatever comes after the cut."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pytest

from contracts import columns as c
from models.customers.cadence import CadenceParameters
from models.uplift.model import UpliftParameters
from pipelines.families.demand.panel_builder import store_demand
from pipelines.families.demand.parameters import StoreDemandParameters
from pipelines.families.family import TrainingData
from pipelines.families.recommend.interactions import known_since, read_items
from pipelines.families.uplift.experiment_data import pooled_experiment
from pipelines.features.interactions import interactions
from pipelines.warehouse.views import with_customer
from tests.pipelines.families.futures import CUT, PARTS, store

Inputs = Callable[[TrainingData, datetime], Any]
DEMAND = StoreDemandParameters(horizon=7, min_items=1, country="NO")


def snapshot(data: TrainingData, cut: datetime) -> Any:
    """Of churn, value, next_order and segments."""
    found = data.history.snapshot(cut)
    return found.customer_ids, found.features


def orders_and_cadence(data: TrainingData, cut: datetime) -> Any:
    cadence = data.history.cadence(CadenceParameters(min_customers=1, horizon_days=5), "churn", cut)
    return data.history.order_days(cut), cadence.median_gap_days


def btyd_forecast(data: TrainingData, cut: datetime) -> Any:
    return data.history.btyd_forecast(data.history.snapshot(cut).customer_ids, cut, 30).features


def trial(data: TrainingData, cut: datetime) -> Any:
    parameters = UpliftParameters(min_per_arm=1, min_orders_per_arm=0)
    found = pooled_experiment(replace(data, parameters=parameters)).data
    return found.features, found.treated, found.customers


def recommend_interactions(data: TrainingData, cut: datetime) -> Any:
    return interactions(data.events_at(cut), cut).to_pyarrow()


def recommend_items(data: TrainingData, cut: datetime) -> Any:
    items = read_items(data.catalogue_at(cut))
    assert data.described_items is not None
    return items.to_arrays(), known_since(data.events, data.described_items, items)


def demand_panel(data: TrainingData, cut: datetime) -> Any:
    """Of demand, inventory and trends."""
    found = store_demand(data, DEMAND, cut)
    panel = found.panel
    shown = (panel.units, panel.is_observed, *panel.future.values(), *panel.attributes.values(), *panel.groups.values())
    return shown, found.item_ids, found.categories, found.reported_stock_out, found.inferred_stock_out


INPUTS: dict[str, Inputs] = {
    function.__name__: function
    for function in (
        snapshot,
        orders_and_cadence,
        btyd_forecast,
        trial,
        recommend_interactions,
        recommend_items,
        demand_panel,
    )
}


SLOW_INPUTS = ("orders_and_cadence", "btyd_forecast", "trial")  # of the same customer history as the snapshot


def _slow(value: str, slow: Sequence[str]) -> Any:
    return pytest.param(value, marks=pytest.mark.slow) if value in slow else value


def plain(value: Any) -> Any:
    """Comparable: tables as sorted rows, arrays as lists, a missing number as text."""
    if isinstance(value, pa.Table):
        return sorted(repr(plain(row)) for row in value.to_pylist())
    if isinstance(value, pa.Array | pa.ChunkedArray):
        return value.to_pylist()
    if isinstance(value, np.ndarray):
        return value.shape, [repr(one) for one in np.asarray(value).ravel().tolist()]
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, tuple | list) else value


@pytest.mark.parametrize("name", [_slow(name, SLOW_INPUTS) for name in INPUTS])
def test_what_is_known_before_the_cut_depends_on_no_future(name: str) -> None:
    known = plain(INPUTS[name](store(), CUT))
    for seed, future in ((1, PARTS), (2, PARTS)):
        assert plain(INPUTS[name](store(future, seed), CUT)) == known


@pytest.mark.parametrize("part", [_slow(part, PARTS[1:]) for part in PARTS])
def test_each_part_of_the_future_is_seen_once_it_has_come(part: str) -> None:
    """The control of the futures themselves: a future that changes nothing would let every leak pass."""

    def later(data: TrainingData, cut: datetime) -> Any:
        return [
            data.history.snapshot(data.as_of).customer_ids,
            data.history.order_days(data.as_of),
            interactions(data.events_at(data.as_of), data.as_of).to_pyarrow(),
            read_items(data.catalogue).to_arrays(),
        ]

    assert plain(later(store(), CUT)) != plain(later(store(part, seed=1), CUT))


def _counts_events_to_come(data: TrainingData, cut: datetime) -> Any:
    return interactions(data.events_at(cut), data.as_of).to_pyarrow()


def _knows_later_links(data: TrainingData, cut: datetime) -> Any:
    people = data.people
    customers = people.customers(data.as_of)
    return _interactions_of(data, cut, customers, people.allowed(cut, customers))


def _knows_later_refusals(data: TrainingData, cut: datetime) -> Any:
    people = data.people
    customers = people.customers(cut)
    return _interactions_of(data, cut, customers, people.allowed(data.as_of, customers))


def _knows_the_catalogue_of_now(data: TrainingData, cut: datetime) -> Any:
    return read_items(data.catalogue).to_arrays()


def _interactions_of(data: TrainingData, cut: datetime, customers: np.ndarray, allowed: np.ndarray) -> Any:
    """The interactions before the cut, of these customers (persons,) who are `allowed` (customers,)."""
    chosen = pa.array(customers)
    found = data.people.people(cut)
    ids, is_known = data.people.customer_ids.take(chosen), data.people.is_user[customers]
    columns = {c.CUSTOMER_ID: ids, c.IS_KNOWN: is_known, c.ALLOWS_PERSONALIZATION: allowed[customers]}
    for name, values in columns.items():
        found = found.set_column(found.column_names.index(name), name, pa.array(values))
    lines = data.events.select(*c.EVENT_LINES.names)
    return interactions(with_customer(lines, ibis.memtable(found)), cut).to_pyarrow()


PLANTED: dict[str, Inputs] = {
    "events": _counts_events_to_come,
    "identity": _knows_later_links,
    "consent": _knows_later_refusals,
    "catalogue": _knows_the_catalogue_of_now,
}


@pytest.mark.parametrize("part", PARTS)
def test_a_planted_leak_is_caught_through_the_part_that_it_leaks(part: str) -> None:
    """The other parts do not show it: each needs its own future."""
    known = plain(PLANTED[part](store(), CUT))
    shown = {other: plain(PLANTED[part](store(other, seed=1), CUT)) != known for other in PARTS[1:] if part != "events"}
    assert shown == {other: other == part for other in shown}
    assert shown or plain(PLANTED[part](store(part, seed=1), CUT)) != known
