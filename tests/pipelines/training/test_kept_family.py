"""Where a family fails its gate, its served model scores the customers as of now, and is published with that table."""

import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from contracts.bundle import CUSTOMERS_TABLE, Bundle, Verdict, read_table
from contracts.bundle_store import open_bundle_store
from contracts.settings import Settings, load_settings
from models.stored_parameters import read_parameters
from pipelines.families.family import Backtest, Family, Rescored
from pipelines.publishing.publish import publish
from pipelines.training import train as training
from pipelines.training.challengers import ChallengerStore
from pipelines.training.train import train
from tests.mlflow_store import with_mlflow_store
from tests.pipelines.wire import START, bought, ingest_events

DAYS = 160
LATER = START + timedelta(days=DAYS + 30)
FAMILIES = {
    "churn": {"horizon_days": 15, "snapshots": 1, "trees": 5},
    "value": {"snapshots": 2, "trees": 5, "min_customers": 20, "min_buyers": 5},
}


def orders() -> list[dict[str, Any]]:
    """Customers who order every ten days or so, of whom half stop one day."""
    chance, events = random.Random(2), []
    for number in range(80):
        at, end = chance.uniform(0, 40), DAYS if number % 2 else chance.uniform(60, DAYS)
        while at < end:
            events.append(bought(f"m{len(events)}", f"c{number:02d}", {"tea": 5.0}, round(at, 3)))
            at += chance.uniform(5, 15)
    return events


def settings_of(home: Path) -> Settings:
    return load_settings(home=home, threads=1, families=FAMILIES)


def served(settings: Settings) -> Bundle:
    store = open_bundle_store(settings.bundles_url)
    return store.open(store.current())


def customers(settings: Settings) -> dict[str, dict[str, Any]]:
    rows = read_table(served(settings).path / CUSTOMERS_TABLE).to_pylist()
    return {row["customer_id"].removeprefix("user:"): row for row in rows}


def passes_only(*names: str) -> Any:
    """A gate that only these families pass; the others are clearly worse."""

    def apply_gate(family: Family, backtest: Backtest, seed: int, is_served: bool) -> Verdict:
        if family.name in names:
            return Verdict("better", "model", "by the test's choice")
        return Verdict("worse", None if is_served else "baseline", "by the test's choice")

    return apply_gate


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A store whose churn and value are published, and which has had new orders since."""
    home = with_mlflow_store(tmp_path_factory.mktemp("store") / "home")
    ingest_events(home, *orders(), now=LATER)
    settings = settings_of(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "apply_gate", passes_only("churn", "value"))
        train(settings, ("churn", "value"))
    publish(settings)
    new = [bought("new", "newcomer", {"tea": 5.0}, DAYS + 8), bought("again", "c00", {"tea": 5.0}, DAYS + 8)]
    ingest_events(home, *new, now=LATER)
    return settings


def test_the_kept_model_scores_the_customers_of_today(published: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before, first = customers(published), served(published).manifest
    monkeypatch.setattr(training, "apply_gate", passes_only("value"))
    churn, value = train(published, ("churn", "value"))
    assert churn.kept is not None
    assert "its model has scored 81 customers as of now" in churn.kept
    assert value.kept is None
    assert publish(published).kept == ["churn"]
    after, entry = customers(published), served(published).manifest.families["churn"]
    assert 0 < after["newcomer"]["churn_risk"] < 1
    assert "newcomer" not in before
    assert after["c00"]["churn_risk"] != before["c00"]["churn_risk"]
    assert after["c00"]["churn_band"] != "lapsed"
    old = first.families["churn"]
    assert entry.as_of > old.as_of
    assert (entry.bundle_version, entry.model_version, entry.metrics) == (
        old.bundle_version,
        old.model_version,
        old.metrics,
    )
    assert served(published).manifest.replays["churn"]


def test_a_model_of_other_features_keeps_its_table_and_the_report_says_so(
    published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_another_version(folder: Path, features: Any) -> dict[str, Any]:
        return read_parameters(folder, [*features, "a later feature"])

    before, as_of = customers(published), served(published).manifest.families["churn"].as_of
    monkeypatch.setattr("models.churn.model.read_parameters", of_another_version)
    monkeypatch.setattr(training, "apply_gate", passes_only("value"))
    churn, _ = train(published, ("churn", "value"))
    assert churn.kept is not None
    assert "with its table as of" in churn.kept
    assert "other features" in churn.kept
    assert publish(published).kept == ["churn"]
    assert served(published).manifest.families["churn"].as_of == as_of
    assert {name: row["churn_risk"] for name, row in customers(published).items()} == {
        name: row["churn_risk"] for name, row in before.items()
    }


def test_a_table_that_another_fit_made_is_not_published(published: Settings) -> None:
    store = ChallengerStore(published.candidates_path)
    challenger = store.load("churn")
    assert challenger is not None
    table = pa.table({"customer_id": ["user:c00"], "churn_risk": [0.123]})
    store.save(msgspec.structs.replace(challenger, rescored_version="20200101T000000000Z"), Rescored(table, []))
    publish(published)
    assert customers(published)["c00"]["churn_risk"] != 0.123
