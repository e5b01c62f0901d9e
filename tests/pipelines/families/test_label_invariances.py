"""What must move no label and no feature: how an instant is written, in which currency, and orders that were undone."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import ibis
import numpy as np
import pyarrow as pa
import pytest

from contracts import columns as c
from contracts.events.names import ORDER_CANCELLED, ORDER_REFUNDED
from models.churn.model import ChurnParameters
from pipelines.families.churn import CHURN
from pipelines.families.family import TrainingData
from pipelines.features.customer import customer_base, customer_features
from pipelines.ingest.ingest import ingest
from pipelines.warehouse import views
from pipelines.warehouse.warehouse import open_warehouse
from tests.pipelines.families.histories import history_of
from tests.pipelines.wire import NOW, START, bought, settings_in, track, write_events
from tests.worlds import day, events_table, order

Wire = dict[str, Any]
Change = Callable[[Wire], Wire]

LABELLED_AT: Final = START + timedelta(days=40)
HORIZON_DAYS: Final = 20
OFFSETS_HOURS: Final = (0, 5.5, -8, 14, -11)
RATE: Final = 0.8  # euros for a dollar
MONEY: Final = {"revenue", "revenue_365d", "average_order_value"}
NAMES: Final = [f"customer-{number}" for number in range(120)]


def store() -> list[Wire]:
    """Orders, refunds and views of two months, at any hour of the day."""
    chance = random.Random(11)
    events: list[Wire] = []
    for number in range(240):
        name, at = chance.choice(NAMES), chance.uniform(0, 60)
        prices = {f"item-{item}": round(chance.uniform(1, 90), 2) for item in chance.sample(range(9), 2)}
        events.append(bought(f"o-{number}", name, prices, at))
        events[-1]["properties"] |= {"currency": "EUR", "discount": 0.5, "revenue": sum(prices.values())}
        events.append(track(f"v-{number}", "Product Viewed", at - 0.1, userId=name, properties={"sku": "item-1"}))
        if number % 6 == 0:
            back = {"order_id": f"order-o-{number}", "currency": "EUR"}
            some = {"products": [{"product_id": min(prices), "quantity": 1, "price": prices[min(prices)]}]}
            more = back | (some if number % 12 else {})
            events.append(track(f"r-{number}", ORDER_REFUNDED, at + 1, userId=name, properties=more))
    return events


class Seen:
    """A store as the churn family sees it after it was ingested: features and labels of one instant."""

    def __init__(self, home: Path, change: Change, rates: str | None = None) -> None:
        home.mkdir()
        (home / "rates.csv").write_text(rates or "currency,rate\n")
        settings = settings_in(home).model_copy(update={"currency": "EUR", "exchange_rates": home / "rates.csv"})
        file = write_events(home / "events.jsonl", map(change, store()))
        self.quarantined = ingest(settings, [file], now=NOW).total.quarantined.total()
        events = views.events(open_warehouse(settings))
        self.features = customer_features(events, LABELLED_AT).order_by(c.CUSTOMER_ID).to_pyarrow()
        snapshot = history_of(events.to_pyarrow(), NOW).snapshot(LABELLED_AT, HORIZON_DAYS)
        assert snapshot.outcome is not None
        self.labels = dict(zip(snapshot.customer_ids.to_pylist(), snapshot.outcome.tolist(), strict=True))

    def numbers(self, names: set[str]) -> np.ndarray:
        """Those features, (customers, names)."""
        return np.column_stack([self.features[name].to_numpy().astype(float) for name in sorted(names)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stores")


@pytest.fixture(scope="module")
def plain(folder: Path) -> Seen:
    seen = Seen(folder / "plain", dict)
    assert len(seen.labels) > 30
    assert 0.1 < np.mean(list(seen.labels.values())) < 0.9
    return seen


def in_other_zones(event: Wire) -> Wire:
    """The same instant, as a clock elsewhere shows it."""
    hours = OFFSETS_HOURS[sum(map(ord, event["messageId"])) % len(OFFSETS_HOURS)]
    moment = datetime.fromisoformat(event["timestamp"]).astimezone(timezone(timedelta(hours=hours)))
    return event | {"timestamp": moment.isoformat()}


def without_zones(event: Wire) -> Wire:
    """What such a clock shows, without saying where it stands: another instant."""
    return event | {"timestamp": in_other_zones(event)["timestamp"][:-6]}


@pytest.mark.slow
def test_how_an_instant_is_written_moves_nothing(folder: Path, plain: Seen) -> None:
    elsewhere = Seen(folder / "zones", in_other_zones)
    assert elsewhere.labels == plain.labels
    assert elsewhere.features.equals(plain.features)


@pytest.mark.slow
def test_another_instant_moves_features_and_labels(folder: Path, plain: Seen) -> None:
    """The control: were the offsets ignored, this is what would be seen."""
    moved = Seen(folder / "naive", without_zones)
    assert moved.labels != plain.labels
    assert not moved.features.equals(plain.features)


def in_dollars(event: Wire) -> Wire:
    """Every other order, with what refers to it, at its exact price in dollars; a sender may not know all decimals."""
    if event["event"] == "Product Viewed" or int(event["messageId"][2:]) % 12 >= 6:
        return event
    given = event["properties"]
    amounts = {name: given[name] / RATE for name in ("revenue", "discount") if name in given}
    products = [line | {"price": line["price"] / RATE} for line in given.get("products", [])]
    return event | {"properties": given | amounts | ({"products": products} if products else {}) | {"currency": "USD"}}


def test_the_currency_of_an_amount_moves_no_label_and_scales_no_feature(folder: Path, plain: Seen) -> None:
    abroad = Seen(folder / "dollars", in_dollars, f"currency,rate\nUSD,{RATE}\n")
    assert abroad.quarantined == 0
    assert abroad.labels == plain.labels
    others = set(plain.features.column_names) - MONEY - {c.CUSTOMER_ID, "refund_share"}
    np.testing.assert_array_equal(abroad.numbers(others), plain.numbers(others))
    np.testing.assert_allclose(abroad.numbers(MONEY), plain.numbers(MONEY), atol=0.02)
    np.testing.assert_allclose(abroad.numbers({"refund_share"}), plain.numbers({"refund_share"}), atol=1e-3)


def test_amounts_summed_as_they_are_would_be_seen(folder: Path, plain: Seen) -> None:
    """The control: the same dollars, taken for euros."""
    summed = Seen(folder / "summed", in_dollars, "currency,rate\nUSD,1\n")
    assert summed.labels == plain.labels
    ratio = (summed.numbers({"revenue"}) / plain.numbers({"revenue"})).ravel()
    assert np.nanmedian(ratio) > 1.05


def test_without_a_rate_dollars_are_set_aside_and_not_taken_for_euros(folder: Path, plain: Seen) -> None:
    """The control of the labels: an order that is quarantined is no order."""
    partial = Seen(folder / "no-rate", in_dollars)
    assert partial.quarantined > 100
    assert partial.labels != plain.labels


UNDOING: Final[dict[str, list[Wire]]] = {
    "refunded whole": [{c.EVENT: ORDER_REFUNDED}],
    "refunded by item": [{c.EVENT: ORDER_REFUNDED, c.ITEM_ID: "tea", c.QUANTITY: 2.0}],
    "refunded by another": [{c.EVENT: ORDER_REFUNDED, c.CUSTOMER_ID: "back-office", c.IS_KNOWN: False}],
    "refunded by a credit note": [
        {c.EVENT: ORDER_REFUNDED, c.ORDER_ID: "note-1", c.ITEM_ID: "tea", c.QUANTITY: 2.0, c.PRICE: 10.0}
    ],
    "cancelled": [{c.EVENT: ORDER_CANCELLED}],
}


def shop_with_undone_orders(*, undone: bool) -> pa.Table:
    """A steady trade, and people whose only order came to nothing, if it did."""
    chance = random.Random(2)
    rows: list[dict[str, Any]] = []
    for number in range(120):
        at, gap, end = chance.uniform(0, 20), chance.choice((8, 30)), chance.uniform(100, 700)
        while at < min(end, 400):
            rows += order(f"customer-{number}", round(at, 2), {"tea": 1})
            at += gap * chance.uniform(0.8, 1.2)
    for name, events in UNDOING.items():
        rows += order(name, 380, {"tea": 2}, order_id=name)
        if undone:
            rows += [{c.OCCURRED_AT: day(381), c.CUSTOMER_ID: name, c.ORDER_ID: name} | event for event in events]
    return events_table(rows)


@pytest.mark.parametrize("undone", [True, False], ids=["undone", "control: standing"])
def test_whose_orders_were_all_undone_is_no_buyer(undone: bool) -> None:
    events = ibis.memtable(shop_with_undone_orders(undone=undone))
    parameters = ChurnParameters(snapshots=1, trees=10, min_rows_per_leaf=10)
    fitted = CHURN.fit(TrainingData(events, ibis.memtable(c.CATALOGUE.empty_table()), day(400), parameters, threads=1))
    assert fitted.table is not None
    expected = set() if undone else set(UNDOING)
    assert set(fitted.table[c.CUSTOMER_ID].to_pylist()) & set(UNDOING) == expected
    base = customer_base(events, day(400)).to_pyarrow().to_pylist()
    buyers = {row[c.CUSTOMER_ID]: row for row in base if row[c.ORDERS] > 0}
    assert set(buyers) & set(UNDOING) == expected
    assert {row[c.REVENUE] for row in base if row[c.CUSTOMER_ID] in UNDOING} == ({0.0} if undone else {20.0})


@pytest.mark.parametrize("undone", [True, False], ids=["undone", "control: standing"])
def test_an_undone_order_is_no_return(undone: bool) -> None:
    """As a label: who ordered once before, and whose only order in the horizon came to nothing, stayed away."""
    before = [line for name in UNDOING for line in order(name, 340, {"tea": 1})]
    events = pa.concat_tables([events_table(before), shop_with_undone_orders(undone=undone)])
    snapshot = history_of(events, day(400)).snapshot(day(360), 30)
    assert snapshot.outcome is not None
    labels = dict(zip(snapshot.customer_ids.to_pylist(), snapshot.outcome.tolist(), strict=True))
    assert {labels[name] for name in UNDOING} == ({1} if undone else {0})
