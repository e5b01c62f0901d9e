"""Training and publishing a family that only the registry knows."""

from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pytest

from contracts import columns as c
from contracts.bundle import CUSTOMERS_TABLE
from contracts.bundle_store import open_bundle_store
from contracts.errors import InputError, NotEnoughData, SettingsError
from contracts.settings import Settings, load_settings
from pipelines.families.family import Backtest, BundleDraft, Family, FittedFamily, Gate, Metrics, TrainingData
from pipelines.families.registry import FAMILIES
from pipelines.publishing.publish import publish
from pipelines.training.challengers import ChallengerStore
from pipelines.training.train import default_as_of, evaluate, family_parameters, train
from tests.mlflow_store import with_mlflow_store
from tests.pipelines.wire import START, bought, ingest_events, warehouse_in

COLUMN, DERIVED = "luck", "twice_the_luck"


@dataclass(frozen=True)
class LuckParameters:
    auc: float = 0.8
    needs: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.auc <= 1:
            raise ValueError(f"auc is {self.auc}")


def backtest(data: TrainingData) -> Backtest:
    if data.events.count().to_pyarrow().as_py() < data.parameters.needs:
        raise NotEnoughData(f"luck needs {data.parameters.needs} events.")
    metrics: Metrics = {"auc": data.parameters.auc}
    return Backtest(START, data.as_of, 10, metrics, {"auc": 0.7})


def fit(data: TrainingData) -> FittedFamily:
    table = pa.table({c.CUSTOMER_ID: ["alice"], COLUMN: [0.25]})
    return FittedFamily(lambda folder: None, table, {COLUMN: "A lucky number."})


def derive(table: pa.Table, draft: BundleDraft) -> pa.Table:
    return table.append_column(DERIVED, pa.compute.multiply(table[COLUMN], 2))


LUCK = Family(
    name="luck",
    kind="customers",
    baseline="a coin",
    gate=Gate(metric="auc", higher_is_better=True),
    parameters=LuckParameters,
    backtest=backtest,
    fit=fit,
    derive=derive,
    derived_columns={DERIVED: "Twice that number."},
)


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FAMILIES, "luck", LUCK)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = with_mlflow_store(tmp_path_factory.mktemp("store"))
    ingest_events(home, bought("m1", "alice", {"tea": 5.0}), bought("m2", "bob", {"tea": 5.0}))
    return home


def settings(home: Path, **parameters: float) -> Settings:
    return load_settings(home=home, threads=1, families={"luck": parameters})


def test_a_new_family_is_trained_and_published_without_a_line_elsewhere(home: Path) -> None:
    (outcome,) = train(settings(home), ["luck"])
    assert outcome.verdict is not None
    assert outcome.verdict.passed
    challenger = ChallengerStore(settings(home).candidates_path).load("luck")
    assert challenger is not None
    assert (challenger.parameters["auc"], challenger.model_version) == (0.8, "1")
    assert publish(settings(home)).new == ["luck"]
    store = open_bundle_store(settings(home).bundles_url)
    bundle = store.open(store.current())
    table = bundle.table(CUSTOMERS_TABLE)
    assert [table[name].to_pylist() for name in (c.CUSTOMER_ID, COLUMN, DERIVED)] == [
        ["alice", "bob"],
        [0.25, None],
        [0.5, None],
    ]
    assert bundle.manifest.families["luck"].columns == {COLUMN: "A lucky number."}
    assert bundle.manifest.columns[DERIVED] == "Twice that number."


def test_a_family_that_fails_its_gate_keeps_the_reason_and_is_not_fitted(home: Path) -> None:
    (outcome,) = train(settings(home, auc=0.6), ["luck"])
    challenger = ChallengerStore(settings(home).candidates_path).load("luck")
    assert outcome.verdict is not None
    assert challenger is not None
    assert not challenger.passed
    assert challenger.gate == outcome.verdict.reason
    assert challenger.columns == {}


def test_evaluating_keeps_nothing(home: Path) -> None:
    before = ChallengerStore(settings(home).candidates_path).load("luck")
    (outcome,) = evaluate(settings(home, auc=0.9), ["luck"])
    assert outcome.backtest is not None
    assert ChallengerStore(settings(home).candidates_path).load("luck") == before


def test_a_family_that_lacks_data_is_skipped_with_the_reason(home: Path) -> None:
    (outcome,) = evaluate(settings(home, needs=1000), ["luck"])
    assert (outcome.verdict, outcome.skipped) == (None, "luck needs 1000 events.")


def test_an_unknown_family_names_those_that_exist(home: Path) -> None:
    with pytest.raises(InputError, match=r"'fate' does not exist; families are .*luck"):
        evaluate(settings(home), ["fate"])


@pytest.mark.parametrize(
    ("parameters", "message"), [({"acu": 1}, "'acu' is unknown; allowed are auc, needs"), ({"auc": 2}, "auc is 2")]
)
def test_wrong_parameters_are_refused(tmp_path: Path, parameters: dict[str, float], message: str) -> None:
    with pytest.raises(SettingsError, match=f"families.luck: {message}"):
        family_parameters(LUCK, settings(tmp_path, **parameters))


def test_parameters_are_the_defaults_with_the_settings_differences(tmp_path: Path) -> None:
    assert family_parameters(LUCK, settings(tmp_path, auc=0.5)) == replace(LuckParameters(), auc=0.5)


def test_the_cut_off_lies_just_after_the_last_event(home: Path, tmp_path: Path) -> None:
    assert (default_as_of(warehouse_in(home)) - START).total_seconds() == pytest.approx(1e-6)
    with pytest.raises(NotEnoughData, match="no events yet"):
        default_as_of(warehouse_in(tmp_path))
