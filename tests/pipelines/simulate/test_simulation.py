import gzip
import hashlib
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest

from contracts import columns as c
from contracts.errors import InputError
from pipelines.simulate.parameters import MIN_ITEMS, StoreParameters
from pipelines.simulate.simulation import parameters_for, simulate
from tests.pipelines.simulate.conftest import PARAMETERS, ReadStore

SMALL = StoreParameters(customers=30, items=MIN_ITEMS, days=20)


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_same_seed_same_bytes_other_seed_other_bytes(tmp_path: Path) -> None:
    for name, parameters in {"a": SMALL, "b": SMALL, "c": replace(SMALL, seed=8)}.items():
        simulate(parameters, tmp_path / name, compress=name != "b")
    a, b, c_ = (digests(tmp_path / name) for name in "abc")
    assert {k: v for k, v in a.items() if "events" not in k} == {k: v for k, v in b.items() if "events" not in k}
    assert gzip.decompress((tmp_path / "a/events.jsonl.gz").read_bytes()) == (tmp_path / "b/events.jsonl").read_bytes()
    assert a["events.jsonl.gz"] != c_["events.jsonl.gz"]
    simulate(SMALL, tmp_path / "b", compress=True)  # over the plain one: one store, one events file
    assert digests(tmp_path / "b") == a


def test_counts_and_unique_message_ids(store: ReadStore) -> None:
    assert len(store.events) == store.written.events
    assert len({event.message_id for event in store.events}) == store.written.events
    assert len(store.named("Order Completed")) == store.written.orders > 100


def test_every_kind_of_event_occurs_in_time_order(store: ReadStore) -> None:
    kinds = {event.name or event.wire.__struct_config__.tag for event in store.events}
    assert kinds >= {
        "page", "identify", "alias", "Products Searched", "Product List Viewed", "Product Viewed", "Product Added",
        "Product Removed", "Checkout Started", "Order Completed", "Order Refunded", "Order Cancelled",
    }  # fmt: skip
    times = [event.occurred_at for event in store.events]
    assert times == sorted(times)


def test_consent_is_given_refused_or_not_stated(store: ReadStore) -> None:
    assert {event.consent[2] for event in store.events} == {None, False, True}
    assert any(event.is_suppressed for event in store.events)
    changed = {}
    for event in store.events:
        if event.user_id and event.consent[2] is not None:
            changed.setdefault(event.user_id, set()).add(event.consent[2])
    assert 0 < sum(len(words) == 2 for words in changed.values()) < len(changed) / 4


def test_catalogue_has_the_contract_columns(store: ReadStore) -> None:
    table = pa.csv.read_csv(store.written.catalogue_path)
    assert table.column_names == c.CATALOGUE.names
    assert table.num_rows == PARAMETERS.items == len(set(table[c.ITEM_ID].to_pylist()))
    assert len(set(table[c.ITEM_NAME].to_pylist())) == PARAMETERS.items
    assert min(table[c.PRICE].to_pylist()) > 0
    assert table[c.STOCK].to_pylist().count(0) < PARAMETERS.items / 2


@pytest.mark.parametrize(("events", "days"), [(10_000, 100), (6_000, 300)])
def test_a_wanted_number_of_events_is_about_met(events: int, days: int, tmp_path: Path) -> None:
    assert simulate(parameters_for(events, days), tmp_path).events == pytest.approx(events, rel=0.25)


def test_a_store_of_one_customer_and_one_day_is_a_store(tmp_path: Path) -> None:
    written = simulate(StoreParameters(customers=1, items=MIN_ITEMS, days=1), tmp_path)
    assert written.events_path.exists()
    assert written.events_path.read_bytes().count(b"\n") == written.events


def test_no_events_at_all_are_refused() -> None:
    with pytest.raises(InputError, match="above 0"):
        parameters_for(0)
