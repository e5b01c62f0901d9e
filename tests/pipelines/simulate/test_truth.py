"""The truth and the events tell one story."""

import numpy as np
import pandas as pd
import pytest

from tests.pipelines.simulate.conftest import PARAMETERS, ReadStore


@pytest.fixture(scope="module")
def lines(store: ReadStore) -> pd.DataFrame:
    lines = store.order_lines()
    identities = store.truth("identities").query("not is_shared").dropna().set_index("anonymous_id")
    lines["customer_id"] = lines["user_id"].fillna(lines["anonymous_id"].map(identities["customer_id"]))
    lines["date"] = lines["at"].dt.tz_localize(None).dt.floor("D")
    return lines


@pytest.fixture(scope="module")
def item_days(store: ReadStore) -> pd.DataFrame:
    days = store.truth("item_days")
    return days.assign(date=pd.to_datetime(days["date"])).set_index(["date", "item_id"])


def test_nobody_buys_outside_a_lifetime(store: ReadStore, lines: pd.DataFrame) -> None:
    customers = store.truth("customers").set_index("customer_id")
    own = lines.dropna(subset="customer_id")
    alive_until = pd.to_datetime(own["customer_id"].map(customers["alive_until"]))
    started_at = pd.to_datetime(own["customer_id"].map(customers["started_at"]))
    assert (own["date"] < alive_until).all()
    assert (own["date"] >= started_at).all()
    window_end = pd.Timestamp(PARAMETERS.start) + pd.Timedelta(days=PARAMETERS.days)
    dead = pd.to_datetime(customers["alive_until"]) < window_end
    assert 0.2 < dead.mean() < 0.9


def test_nothing_is_sold_before_its_launch_or_without_stock(lines: pd.DataFrame, item_days: pd.DataFrame) -> None:
    sold = lines.groupby(["date", "item_id"])["quantity"].sum()
    assert sold.index.isin(item_days.index).all()  # item_days begins with the launch
    assert not item_days.loc[sold.index, "is_out_of_stock"].any()


def test_item_days_book_what_was_sold_and_what_would_have_been(lines: pd.DataFrame, item_days: pd.DataFrame) -> None:
    sold = lines.groupby(["date", "item_id"])["quantity"].sum()
    assert (item_days["units_sold"] == sold.reindex(item_days.index).fillna(0)).all()
    out = item_days["is_out_of_stock"]
    assert (item_days["units_wanted"] >= item_days["units_sold"]).all()
    assert item_days.loc[out, "units_wanted"].sum() > 0
    assert (item_days.loc[~out, "units_wanted"] == item_days.loc[~out, "units_sold"]).all()
    by_item = item_days.groupby("item_id")[["expected_units", "units_wanted"]].sum()
    np.testing.assert_allclose(by_item["expected_units"], by_item["units_wanted"], rtol=1e-3)


def test_what_is_given_back_was_bought_before(store: ReadStore, lines: pd.DataFrame) -> None:
    bought = {
        order_id: (group["at"].iloc[0], dict(zip(group["item_id"], group["quantity"], strict=True)))
        for order_id, group in lines.groupby("order_id")
    }
    refunds, cancellations = store.named("Order Refunded"), store.named("Order Cancelled")
    assert refunds
    assert cancellations
    for event in [*refunds, *cancellations]:
        ordered_at, items = bought[event.wire.properties.order_id]
        assert event.occurred_at > ordered_at
        assert all(product.quantity <= items[product.product_id] for product in event.products)
    refunded = {event.wire.properties.order_id for event in refunds}
    assert not refunded & {event.wire.properties.order_id for event in cancellations}


def test_every_device_has_one_owner_unless_it_is_shared(store: ReadStore) -> None:
    identities = store.truth("identities")
    owners = identities.dropna().groupby("anonymous_id")["customer_id"].nunique()
    shared = identities.groupby("anonymous_id")["is_shared"].first().reindex(owners.index)
    assert ((owners > 1) == shared).all()
    assert shared.sum() > 0
    truth = set(map(tuple, identities.dropna()[["anonymous_id", "customer_id"]].to_numpy()))
    said = {(event.anonymous_id, event.user_id) for event in store.events if event.user_id}
    assert said <= truth
    assert {event.anonymous_id for event in store.events} <= set(identities["anonymous_id"])
    never = set(store.truth("customers").query("not identifies")["customer_id"])
    assert never
    assert not never & {user for _, user in said}


def test_late_and_several_devices(store: ReadStore) -> None:
    users: dict[str, set[str]] = {}
    nameless_first = set()
    for event in store.events:
        device = event.anonymous_id or ""
        if event.user_id is None and device not in users:
            nameless_first.add(device)
        if event.user_id:
            users.setdefault(device, set()).add(event.user_id)
    assert nameless_first & set(users)  # first seen without a name, named later
    devices = pd.Series([user for names in users.values() for user in names]).value_counts()
    assert devices.max() >= 2
