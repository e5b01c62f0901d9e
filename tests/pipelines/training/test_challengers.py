"""Candidates: the latest one of each family, whole or not at all."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest

from contracts.bundle import FORMAT_VERSION, Replay, Verdict
from pipelines.families.family import FittedFamily, Rescored
from pipelines.training.challengers import Challenger, ChallengerStore

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
REFUSED = Verdict("worse", None, "falls short")
CHALLENGER = Challenger(
    family="churn",
    kind="customers",
    as_of=MOMENT,
    trained_at=MOMENT,
    verdict=Verdict("better", "model", "better"),
    baseline="recency alone",
    cases=10,
    test_window_start=MOMENT,
    test_window_end=MOMENT,
    metrics={"auc": 0.8, "ece": None},
    baseline_metrics={"auc": 0.7},
    details={},
    parameters={"horizon_days": 60},
    run_id="r1",
    model_version="1",
    bundle_format=FORMAT_VERSION,
    replays=[Replay("customer", {"customer_id": "a"}, {"churn_risk": 0.25})],
)


def write_model(folder: Path) -> None:
    (folder / "model.txt").write_text("tree")


FITTED = FittedFamily(write_model, pa.table({"customer_id": ["a"], "churn_risk": [0.25]}))


@pytest.fixture
def store(tmp_path: Path) -> ChallengerStore:
    return ChallengerStore(tmp_path / "candidates")


def test_what_was_saved_is_loaded(store: ChallengerStore, tmp_path: Path) -> None:
    store.save(CHALLENGER, FITTED)
    assert store.load("churn") == CHALLENGER
    table = store.table("churn")
    assert table is not None
    assert table.to_pydict() == {"customer_id": ["a"], "churn_risk": [0.25]}
    store.copy_files("churn", tmp_path / "draft" / "churn")
    assert (tmp_path / "draft" / "churn" / "model.txt").read_text() == "tree"


def test_a_failed_challenger_replaces_the_passed_one_and_leaves_its_reason(store: ChallengerStore) -> None:
    store.save(CHALLENGER, FITTED)
    failed = msgspec.structs.replace(CHALLENGER, verdict=REFUSED)
    store.save(failed, None)
    assert store.load("churn") == failed
    assert store.table("churn") is None


def test_a_fit_that_cannot_be_written_leaves_the_old_one(store: ChallengerStore, tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        raise OSError("disk full")

    store.save(CHALLENGER, FITTED)
    with pytest.raises(OSError, match="disk full"):
        store.save(msgspec.structs.replace(CHALLENGER, run_id="r2"), replace(FITTED, write_files=fail))
    assert store.load("churn") == CHALLENGER
    assert [path.name for path in (tmp_path / "candidates").iterdir()] == ["churn"]


def test_nothing_trained_is_nothing(store: ChallengerStore) -> None:
    assert store.load("churn") is None
    assert store.table("churn") is None


def test_a_failed_challenger_keeps_the_table_of_the_served_model(store: ChallengerStore) -> None:
    failed = msgspec.structs.replace(CHALLENGER, verdict=REFUSED, rescored_version="20260101T000000000Z")
    table = pa.table({"customer_id": ["b"], "churn_risk": [0.5]})
    store.save(failed, Rescored(table, []))
    assert store.load("churn") == failed
    assert store.table("churn") == table


def test_files_of_another_bundle_format_cannot_be_published(store: ChallengerStore) -> None:
    """Training of an earlier version leaves records without a format."""
    store.save(msgspec.structs.replace(CHALLENGER, bundle_format=0), FITTED)
    found = store.load("churn")
    assert found is not None
    assert not found.answers
    assert "shopkeeper train churn" in found.verdict.reason
