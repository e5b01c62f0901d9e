"""The whole way on a simulated store, through the commands that a user types and over HTTP."""

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.stats import spearmanr
from typer.testing import CliRunner

from contracts.settings import load_settings
from models.customers.cadence import LAPSE_HORIZONS
from pipelines.privacy.stores.registry import stores, unclaimed_files
from shopkeeper.main import app
from tests.contradictions import AT_RISK, ITEMS, PROSPECTS, SCORED, contradictions
from tests.serving.running import running

EVENTS, DAYS = 25_000, 240


@dataclass(frozen=True)
class Shop:
    """A store that was simulated, ingested, trained and published."""

    home: Path
    simulated: Path
    ingested: dict[str, Any]
    trained: dict[str, Any]
    published: dict[str, Any]
    key: str

    def run(self, *arguments: str) -> Any:
        return run(self.home, *arguments)


def run(home: Path, *arguments: str) -> Any:
    """One command with --json; its result."""
    result = CliRunner().invoke(app, [*arguments, "--json"], env={"SHOPKEEPER_HOME": str(home)})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    home = tmp_path_factory.mktemp("home")
    out = home / "simulated"
    run(home, "simulate", "--events", str(EVENTS), "--days", str(DAYS), "--out", str(out))
    ingested = run(home, "ingest", str(out / "events.jsonl"), "--catalogue", str(out / "catalogue.csv"))
    trained = run(home, "train")
    published = run(home, "publish")
    scopes = ["events:write", "recommendations:read", "customers:read"]
    key = run(home, "keys", "create", "--name", "test", *(part for s in scopes for part in ("--scope", s)))["key"]
    return Shop(home, out, ingested, trained, published, key)


@pytest.fixture(scope="module")
def client(shop: Shop) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {shop.key}"}
    with running(load_settings(home=shop.home)) as address, httpx.Client(base_url=address, headers=headers) as client:
        yield client


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Whether it comes true: the service follows CURRENT by itself, within seconds."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


def adds_up(counts: dict[str, Any]) -> bool:
    parts = ("stored", "duplicate", "quarantined", "suppressed")
    return bool(counts["received"] == sum(counts[part] for part in parts))


def test_every_event_is_accounted_for(shop: Shop) -> None:
    lines = (shop.simulated / "events.jsonl").read_bytes().count(b"\n")
    assert shop.ingested["received"] == lines
    assert adds_up(shop.ingested)
    assert shop.ingested["quarantined"] == 0
    assert shop.ingested["suppressed"] > 0


def test_a_second_ingest_stores_nothing_new(shop: Shop) -> None:
    again = shop.run("ingest", str(shop.simulated / "events.jsonl"))
    assert again["stored"] == 0
    assert again["duplicate"] == shop.ingested["stored"]
    assert adds_up(again)


def test_every_family_has_a_verdict_and_is_published(shop: Shop) -> None:
    """Whichever answers, the model or its baseline: a small store gets every list."""
    families = {row["family"]: row for row in shop.trained["families"]}
    assert families.pop("uplift")["skipped"]  # no campaign had a holdout
    assert shop.published["new"] == list(families)
    assert {row["answered_by"] for row in families.values()} <= {"model", "baseline"}
    for row in families.values():
        _, low, high = row["gain"]
        by_interval = "better" if low > 0 else "worse" if high < 0 else "unclear"
        assert row["verdict"] in (by_interval, "nothing"), row["gate"]
    assert families["recommend"]["verdict"] == "better"  # the planted tastes are found
    assert shop.run("status")["bundle"]["version"] == shop.published["version"]


def test_evaluating_keeps_nothing(shop: Shop) -> None:
    before = shop.run("status")["candidates"]
    outcomes = shop.run("evaluate", "trends")["families"]
    assert [row["family"] for row in outcomes] == ["trends"]
    assert shop.run("status")["candidates"] == before


def test_risk_ranks_like_the_planted_chance_of_no_order(shop: Shop) -> None:
    truth = pq.read_table(shop.simulated / "truth" / "customers.parquet").to_pandas().set_index("customer_id")
    rows = shop.run("customers", "--limit", "100000")["rows"]
    risk = {row["customer_id"]: row["churn_risk"] for row in rows if row["churn_risk"] is not None}
    known = truth[truth.index.isin(risk)]
    end = pq.read_table(shop.simulated / "truth" / "item_days.parquet")["date"].to_pandas().max()
    # Who has left orders nothing; of the others, the slower ones are likelier to order nothing.
    orders_per_day = np.where(known["alive_until"] <= end, 0.0, known["orders_per_day"])
    risks = np.array([risk[customer] for customer in known.index])
    random = np.random.default_rng(1)
    by_chance = [spearmanr(random.permutation(risks), -orders_per_day).statistic for _ in range(200)]
    assert spearmanr(risks, -orders_per_day).statistic > max(by_chance)


def test_no_two_answers_contradict_one_another(shop: Shop) -> None:
    rows = shop.run("customers", "--limit", "100000")["rows"]
    scored = [row for row in rows if row["churn_band"] is not None]
    at_risk, prospects = [row for row in scored if row["churn_risk"] is not None], [r for r in rows if not r["orders"]]
    items = [row for row in shop.run("items", "--limit", "10000")["rows"] if row["stock_on_hand"] is not None]
    for rules, some in ((SCORED, scored), (AT_RISK, at_risk), (PROSPECTS, prospects), (ITEMS, items)):
        assert some
        assert contradictions(rules, some) == []

    listed = {row["customer_id"] for row in shop.run("customers", "--at-risk", "--limit", "100000")["rows"]}
    assert listed == {row["customer_id"] for row in scored if row["churn_band"] in ("high", "medium")}
    ordered = {row["item_id"] for row in shop.run("items", "--to-order", "--limit", "10000")["rows"]}
    assert ordered == {row["item_id"] for row in items if row["order_quantity"]}
    figures = shop.run("kpis")
    assert {figures["lapse_days"]} == {LAPSE_HORIZONS * row["churn_horizon_days"] for row in scored}


def test_storefront_and_marketer_get_their_answers(shop: Shop, client: httpx.Client) -> None:
    customers = client.get("/v1/customers", params={"sort": "-churn_risk", "limit": 5}).json()
    assert len(customers["rows"]) == 5
    assert all(row["churn_reason_1"] for row in customers["rows"] if row["churn_risk"] is not None)

    customer = customers["rows"][0]["customer_id"]
    known = client.get(f"/v1/recommendations/{customer}", params={"k": 7}).json()
    assert known["is_known_customer"]
    assert len({item["item_id"] for item in known["items"]}) == 7
    assert all(item["reason"] for item in known["items"])
    assert known["bundle_version"] == shop.published["version"]

    stranger = client.get("/v1/recommendations/nobody-we-know").json()
    assert not stranger["is_known_customer"]
    assert stranger["fallbacks"]

    item = known["items"][0]["item_id"]
    similar = client.get(f"/v1/items/{item}/similar").json()["items"]
    assert similar
    assert item not in {other["item_id"] for other in similar}
    best = client.get("/v1/items", params={"sort": "-units_next_28_days", "limit": 1}).json()["rows"][0]["item_id"]
    days = client.get(f"/v1/items/{best}/forecast").json()["days"]
    assert len(days) == 28
    assert all(0 <= day["low"] <= day["median"] <= day["high"] for day in days)


def test_the_circle_closes(shop: Shop, client: httpx.Client) -> None:
    """An event accepted over HTTP is stored by the next ingest, once, and its customer is joined."""
    event = {
        "userId": "a-new-customer",
        "anonymousId": "a-new-device",
        "messageId": "live-1",
        "event": "Product Viewed",
        "properties": {"product_id": "a-new-item", "price": 5},
    }
    for _ in range(2):
        assert client.post("/v1/track", json=event).status_code == 200
    counts = shop.run("ingest")
    assert (counts["received"], counts["stored"], counts["duplicate"]) == (2, 1, 1)
    assert shop.run("ingest")["received"] == 0


def test_publish_and_rollback(shop: Shop, client: httpx.Client) -> None:
    first = shop.published["version"]
    second = shop.run("publish")["version"]
    assert shop.run("status")["bundle"]["versions"] == [first, second]
    assert shop.run("rollback")["version"] == first
    assert eventually(lambda: client.get("/v1/bundle").json()["bundle_version"] == first)


def test_the_churn_list_as_csv(shop: Shop) -> None:
    result = CliRunner().invoke(app, ["customers", "--csv"], env={"SHOPKEEPER_HOME": str(shop.home)})
    header, *rows = result.stdout.splitlines()
    assert "churn_risk" in header.split(",")
    assert len(rows) == shop.run("customers")["total"]


def test_a_forecast_on_the_command_line(shop: Shop) -> None:
    item = pq.read_table(shop.simulated / "truth" / "items.parquet")["item_id"][0].as_py()
    assert len(shop.run("forecast", item)["days"]) == 28


def test_the_published_versions_are_champions(shop: Shop) -> None:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient

    client = MlflowClient(load_settings(home=shop.home).mlflow_url)
    for family in ("recommend", "churn", "demand"):
        champion = client.get_model_version_by_alias(f"shopkeeper-{family}", "champion")
        run = client.get_run(champion.run_id)
        assert run.data.metrics
        assert run.data.params
        assert run.data.tags["test_window"]


def test_every_file_that_a_store_makes_is_claimed_by_one_that_can_erase(shop: Shop) -> None:
    settings = load_settings(home=shop.home)
    found = unclaimed_files(shop.home, stores(settings))
    assert [path for path in found if not path.startswith("simulated/")] == []
    assert found  # the files of the simulation are the operator's
