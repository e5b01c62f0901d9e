"""Training and publishing a family that only the registry knows."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from contracts import columns as c
from contracts.bundle import CUSTOMERS_TABLE
from contracts.bundle_store import open_bundle_store
from contracts.errors import InputError, NotEnoughData, SettingsError
from contracts.settings import Settings, load_settings
from models.statistics.paired_bootstrap import PairedCases
from pipelines.families.family import Backtest, BundleDraft, Family, FittedFamily, Gate, Metrics, TrainingData
from pipelines.families.registry import FAMILIES
from pipelines.publishing.publish import publish
from pipelines.training.challengers import ChallengerStore
from pipelines.training.train import default_as_of, evaluate, family_parameters, train
from tests.mlflow_store import with_mlflow_store
from tests.pipelines.wire import START, bought, ingest_events, warehouse_in

COLUMN, DERIVED = "luck", "twice_the_luck"
CASES, BASELINE_AUC = 40, 0.7


@dataclass(frozen=True)
class LuckParameters:
    auc: float = 0.8
    needs: int = 1
    baseline_needs: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.auc <= 1:
            raise ValueError(f"auc is {self.auc}")


def backtest(data: TrainingData) -> Backtest:
    if data.events.count().to_pyarrow().as_py() < data.parameters.needs:
        raise NotEnoughData(f"luck needs {data.parameters.needs} events.")
    metrics: Metrics = {"auc": data.parameters.auc}
    cases = np.ones(CASES)
    paired = PairedCases.of_own_units(cases * data.parameters.auc, cases * BASELINE_AUC)
    return Backtest(START, data.as_of, CASES, metrics, {"auc": BASELINE_AUC}, paired)


def fit(data: TrainingData) -> FittedFamily:
    table = pa.table({c.CUSTOMER_ID: ["alice"], COLUMN: [0.25]})
    return FittedFamily(lambda folder: None, table, {COLUMN: "A lucky number."})


def fit_baseline(data: TrainingData) -> FittedFamily:
    if data.parameters.baseline_needs > 2:
        raise NotEnoughData("luck by a coin needs more events.")
    table = pa.table({c.CUSTOMER_ID: ["alice"], COLUMN: [0.5]})
    return FittedFamily(lambda folder: None, table, {COLUMN: "A coin."})


def derive(table: pa.Table, draft: BundleDraft) -> pa.Table:
    return table.append_column(DERIVED, pa.compute.multiply(table[COLUMN], 2))


LUCK = Family(
    name="luck",
    kind="customers",
    baseline="a coin",
    gate=Gate(metric="auc", higher_is_better=True, label="AUC", unit="customers"),
    parameters=LuckParameters,
    backtest=backtest,
    fit=fit,
    fit_baseline=fit_baseline,
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
    assert (outcome.verdict.finding, outcome.verdict.answers) == ("better", "model")
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


def answered(home: Path, **parameters: float) -> list[float]:
    """Train with these parameters and publish; the luck of everybody who has some."""
    train(settings(home, **parameters), ["luck"])
    publish(settings(home))
    store = open_bundle_store(settings(home).bundles_url)
    return store.open(store.current()).table(CUSTOMERS_TABLE)[COLUMN].drop_null().to_pylist()


@pytest.fixture
def new_home(home: Path, tmp_path: Path) -> Path:
    """The store before anything was trained."""
    shutil.copytree(home / "warehouse", tmp_path / "home" / "warehouse")
    return with_mlflow_store(tmp_path / "home")


@pytest.mark.parametrize(
    "parameters",
    [{"auc": 0.7}, *(pytest.param(each, marks=pytest.mark.slow) for each in ({"needs": 1000}, {"auc": 0.6}))],
)
def test_the_baseline_answers_where_the_model_is_not_better_and_none_is_served(
    new_home: Path, parameters: dict[str, float]
) -> None:
    assert answered(new_home, **parameters) == [0.5]
    (outcome,) = train(settings(new_home, **parameters), ["luck"])
    assert outcome.verdict is not None
    assert outcome.verdict.answers == "baseline"
    assert answered(new_home) == [0.25]


def test_a_served_model_stays_where_the_new_one_is_worse_or_cannot_be_judged(new_home: Path) -> None:
    assert answered(new_home) == [0.25]
    (outcome,) = train(settings(new_home, needs=1000), ["luck"])
    assert (outcome.verdict, outcome.skipped, outcome.has_table) == (None, "luck needs 1000 events.", False)
    (outcome,) = train(settings(new_home, auc=0.6), ["luck"])
    challenger = ChallengerStore(settings(new_home).candidates_path).load("luck")
    assert outcome.verdict is not None
    assert challenger is not None
    assert not challenger.answers
    assert challenger.verdict == outcome.verdict
    assert challenger.columns == {}


def test_where_the_baseline_cannot_answer_either_the_family_says_what_it_needs(new_home: Path) -> None:
    (outcome,) = train(settings(new_home, needs=1000, baseline_needs=1000), ["luck"])
    assert (outcome.verdict, outcome.skipped) == (None, "luck needs 1000 events.")


def test_evaluating_keeps_nothing(home: Path) -> None:
    before = ChallengerStore(settings(home).candidates_path).load("luck")
    (outcome,) = evaluate(settings(home, auc=0.9), ["luck"])
    assert outcome.backtest is not None
    assert ChallengerStore(settings(home).candidates_path).load("luck") == before


def test_a_family_that_lacks_data_is_skipped_with_the_reason(home: Path) -> None:
    (outcome,) = evaluate(settings(home, needs=1000), ["luck"])
    assert (outcome.verdict, outcome.skipped) == (None, "luck needs 1000 events.")


@pytest.mark.parametrize("step", ["backtest", "fit"])
def test_a_family_that_fails_unexpectedly_stops_no_other(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, step: str
) -> None:
    def overflow(data: TrainingData) -> Backtest:
        raise OverflowError("cannot convert float infinity to integer")

    monkeypatch.setitem(
        FAMILIES, "cursed", replace(LUCK, name="cursed", derive=None, derived_columns={}, **{step: overflow})
    )
    monkeypatch.setitem(FAMILIES, "luck", FAMILIES.pop("luck"))  # after the cursed one
    cursed, luck = train(settings(home), ["cursed", "luck"])
    assert cursed.family == "cursed"
    assert (cursed.verdict, cursed.skipped) == (None, None)
    assert cursed.failed == "OverflowError: cannot convert float infinity to integer"
    assert luck.verdict is not None
    assert luck.verdict.answers == "model"
    assert ChallengerStore(settings(home).candidates_path).load("cursed") is None
    (logged,) = [record for record in caplog.records if record.exc_info]
    assert "cursed failed" in logged.message


def test_a_wrong_setting_stops_the_run(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(data: TrainingData) -> Backtest:
        raise SettingsError("the calendar cannot be read")

    monkeypatch.setitem(FAMILIES, "luck", replace(LUCK, backtest=refuse))
    with pytest.raises(SettingsError, match="calendar"):
        train(settings(home), ["luck"])


def test_an_unknown_family_names_those_that_exist(home: Path) -> None:
    with pytest.raises(InputError, match=r"'fate' does not exist; families are .*luck"):
        evaluate(settings(home), ["fate"])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [({"acu": 1}, "'acu' is unknown; allowed are auc, needs, baseline_needs"), ({"auc": 2}, "auc is 2")],
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
