"""A whole campaign: customers are assigned, orders come, uplift is learned, published and served."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from typer.testing import CliRunner

from contracts.bundle import CUSTOMERS_TABLE
from contracts.bundle_store import open_bundle_store
from contracts.settings import Settings, load_settings
from pipelines.publishing.publish import publish
from pipelines.training.train import Outcome, train
from serving.security.api_keys import create_key
from shopkeeper.main import app
from tests.mlflow_store import with_mlflow_store
from tests.pipelines.wire import START, bought, consent, ingest_events
from tests.serving.running import running

CUSTOMERS = 2_000
ASSIGNED_AFTER_DAYS = 200
ASSIGNED_AT = START + timedelta(days=ASSIGNED_AFTER_DAYS)
YES = consent(marketing=True)
QUICK = {"uplift": {"trees": 40, "learning_rate": 0.08, "folds": 3, "judging_folds": 2}}


class ClockOfTheAssignment(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "ClockOfTheAssignment":
        return cls.fromtimestamp(ASSIGNED_AT.timestamp(), tz)


@dataclass(frozen=True)
class Store:
    """A store after its campaign, and what training said of it."""

    settings: Settings
    contacted: set[str]
    outcome: Outcome


def name_of(number: int) -> str:
    return f"customer-{number:04d}"


def is_persuadable(name: str) -> bool:
    """Every other customer, and they order more often."""
    return int(name[-1]) % 2 == 1


def order_history(random: np.random.Generator) -> list[dict[str, Any]]:
    """Orders of the days before the assignment, by customers who agreed to marketing."""
    return [
        bought(f"{name}-{place}", name, {"tea": 10.0}, at=float(at), context=YES)
        for name in map(name_of, range(CUSTOMERS))
        for place, at in enumerate(random.uniform(0, ASSIGNED_AFTER_DAYS, 6 if is_persuadable(name) else 2).round(3))
    ]


def orders_since(random: np.random.Generator, contacted: set[str], effect: float) -> list[dict[str, Any]]:
    """A tenth of the persuadable order, and `effect` more of those contacted; of the others two fifths, either way."""
    chances = {
        name: 0.1 + effect * (name in contacted) if is_persuadable(name) else 0.4
        for name in map(name_of, range(CUSTOMERS))
    }
    came = [name for name, chance in chances.items() if random.random() < chance]
    days = ASSIGNED_AFTER_DAYS + random.uniform(0.01, 29, len(came)).round(3)
    last = bought("last", name_of(0), {"tea": 10.0}, at=ASSIGNED_AFTER_DAYS + 31)
    return [
        *(bought(f"{name}-s", name, {"tea": 10.0}, at=float(at)) for name, at in zip(came, days, strict=True)),
        last,
    ]


def store_after_campaign(home: Path, effect: float) -> Store:
    random = np.random.default_rng(3)
    settings = load_settings(home=with_mlflow_store(home), threads=1, families=QUICK)
    ingest_events(home, *order_history(random), now=ASSIGNED_AT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.campaigns.holdout.datetime", ClockOfTheAssignment)
        command = ["holdout", "spring", "--share", "0.4", "--json"]
        done = CliRunner().invoke(app, command, env={"SHOPKEEPER_HOME": str(home)}, catch_exceptions=False)
    with Path(json.loads(done.stdout)["contact_file"]).open(newline="") as file:
        contacted = {row["customer_id"] for row in csv.DictReader(file)}
    assert 0 < len(contacted) < CUSTOMERS
    ingest_events(home, *orders_since(random, contacted, effect), now=ASSIGNED_AT + timedelta(days=40))
    (outcome,) = train(settings, ["uplift"])
    return Store(settings, contacted, outcome)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return store_after_campaign(tmp_path_factory.mktemp("store"), effect=0.3)


@pytest.fixture(scope="module")
def client(store: Store) -> Iterator[httpx.Client]:
    assert store.outcome.verdict is not None
    assert store.outcome.verdict.answers == "model", store.outcome.verdict.reason
    assert publish(store.settings).new == ["uplift"]
    _, key = create_key(store.settings.keys_path, "test", ["customers:read"])
    headers = {"Authorization": f"Bearer {key}"}
    with running(store.settings) as address, httpx.Client(base_url=address, headers=headers) as client:
        yield client


def test_the_list_says_whom_contacting_changes(client: httpx.Client) -> None:
    query = {"where": "uplift_band:eq:persuadable", "sort": "-uplift", "limit": 1000}
    rows = client.get("/v1/customers", params=query).json()["rows"]
    assert len(rows) > CUSTOMERS / 4
    assert np.mean([is_persuadable(row["customer_id"]) for row in rows]) > 0.8  # of all customers, half are
    assert all(0 < row["uplift_low"] <= row["uplift"] <= row["uplift_high"] for row in rows)
    assert np.mean([row["uplift"] for row in rows]) == pytest.approx(0.3, abs=0.1)


def test_the_bundle_says_from_which_campaigns_it_is_known(client: httpx.Client) -> None:
    bundle = client.get("/v1/bundle").json()
    assert "1 campaign" in bundle["families"]["uplift"]["columns"]["uplift"]
    assert "uplift_band" in bundle["tables"]["customers"]["columns"]
    assert bundle["families"]["uplift"]["gate"].startswith("clearly better than the response model")


@pytest.mark.slow
def test_where_contacting_changes_nobody_the_baseline_answers_and_promises_nothing(tmp_path: Path) -> None:
    """The control: the same store and assignment, in which the contacted order like the others."""
    store = store_after_campaign(tmp_path, effect=0.0)
    verdict = store.outcome.verdict
    assert verdict is not None
    assert (verdict.finding, verdict.answers) == ("unclear", "baseline")
    assert publish(store.settings).new == ["uplift"]
    bundles = open_bundle_store(store.settings.bundles_url)
    table = bundles.open(bundles.current()).table(CUSTOMERS_TABLE)
    assert "persuadable" not in table["uplift_band"].to_pylist()
    assert np.abs(table["uplift"].drop_null().to_numpy()).max() < 0.1
