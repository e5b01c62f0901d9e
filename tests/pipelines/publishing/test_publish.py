"""Publishing: what passed goes into a new version, whatever state the version before is in."""

import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest

from contracts import bundle as bundles
from contracts.bundle_store import CURRENT, open_bundle_store
from contracts.errors import NoBundle
from contracts.settings import Settings
from pipelines.families.family import FittedFamily, Rescored
from pipelines.families.registry import FAMILIES
from pipelines.publishing.publish import publish, rollback
from pipelines.training.challengers import ChallengerStore
from pipelines.training.tracking import Tracker
from tests.mlflow_store import with_mlflow_store
from tests.pipelines.training.test_challengers import CHALLENGER, REFUSED
from tests.pipelines.wire import bought, ingest_events, settings_in


def write_model(folder: Path) -> None:
    (folder / "model.txt").write_text("tree")


def keep(settings: Settings, family: str, column: str) -> None:
    """A challenger that passed, with one column of one customer."""
    challenger = msgspec.structs.replace(CHALLENGER, family=family, columns={column: "A number."}, replays=[])
    run_id, version = Tracker(settings.mlflow_url, settings.home / "mlartifacts").record(
        challenger, FAMILIES[challenger.family].gate
    )
    fitted = FittedFamily(write_model, pa.table({"customer_id": ["alice"], column: [0.25]}))
    ChallengerStore(settings.candidates_path).save(
        msgspec.structs.replace(challenger, run_id=run_id, model_version=version), fitted
    )


@pytest.fixture(scope="module")
def published_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one order and the families churn and value, trained and published."""
    home = with_mlflow_store(tmp_path_factory.mktemp("published") / "home")
    ingest_events(home, bought("m1", "alice", {"tea": 5.0}))
    settings = settings_in(home)
    keep(settings, "churn", "churn_risk")
    keep(settings, "value", "expected_orders")
    publish(settings)
    return home


@pytest.fixture
def settings(published_home: Path, tmp_path: Path) -> Settings:
    """A copy of that store, for one test to change."""
    return settings_in(Path(shutil.copytree(published_home, tmp_path / "home")))


def folder_of(settings: Settings) -> Path:
    store = open_bundle_store(settings.bundles_url)
    return store.open(store.current()).path


def future_format(settings: Settings) -> None:
    """The current bundle as a later Shopkeeper might have written it: another format, keys that nobody knows here."""
    manifest = folder_of(settings) / bundles.MANIFEST
    raw = msgspec.json.encode({"format_version": bundles.FORMAT_VERSION + 7, "version": "later", "shelves": [1, 2]})
    manifest.write_bytes(raw)
    current = manifest.parent.parent / CURRENT
    current.write_text(f"{manifest.parent.name} {sha256(raw).hexdigest()}\n")


def damaged_manifest(settings: Settings) -> None:
    (folder_of(settings) / bundles.MANIFEST).write_bytes(b"{")


def missing_file(settings: Settings) -> None:
    (folder_of(settings) / "churn" / "model.txt").unlink()


def damaged_current(settings: Settings) -> None:
    (folder_of(settings).parent / CURRENT).write_text("nonsense")


OTHER_DAMAGES = [
    pytest.param(each, marks=pytest.mark.slow) for each in (damaged_manifest, missing_file, damaged_current)
]


@pytest.mark.parametrize("damage", [future_format, *OTHER_DAMAGES])
def test_what_passed_is_published_over_a_version_that_cannot_be_read(
    settings: Settings, damage: Callable[[Settings], None]
) -> None:
    damage(settings)
    ChallengerStore(settings.candidates_path).save(
        msgspec.structs.replace(CHALLENGER, family="value", verdict=REFUSED), None
    )
    published = publish(settings)
    assert published.new == ["churn"]
    assert published.kept == []
    assert published.missing["value"] == "falls short"
    assert published.refused
    assert open_bundle_store(settings.bundles_url).open(
        open_bundle_store(settings.bundles_url).current()
    ).manifest.families.keys() == {"churn"}


def test_a_version_that_can_be_read_keeps_its_families(settings: Settings) -> None:
    """The control: without damage, the family that failed is kept from the version before."""
    ChallengerStore(settings.candidates_path).save(
        msgspec.structs.replace(CHALLENGER, family="value", verdict=REFUSED), None
    )
    published = publish(settings)
    assert (published.new, published.kept, published.refused) == (["churn"], ["value"], None)
    assert rollback(settings).version < published.version


def test_a_table_that_the_published_model_has_made_anew_is_published_though_nothing_else_is_new(
    settings: Settings,
) -> None:
    store, challengers = open_bundle_store(settings.bundles_url), ChallengerStore(settings.candidates_path)
    version = store.current().version
    for family in ("churn", "value"):
        challengers.save(msgspec.structs.replace(CHALLENGER, family=family, verdict=REFUSED), None)
    with pytest.raises(NoBundle, match="nothing to publish"):
        publish(settings)
    rescored = msgspec.structs.replace(CHALLENGER, verdict=REFUSED, replays=[], rescored_version=version)
    challengers.save(rescored, Rescored(pa.table({"customer_id": ["alice"], "churn_risk": [0.75]}), []))
    published = publish(settings)
    assert (published.new, published.kept) == ([], ["churn", "value"])
    assert store.open(store.current()).table(bundles.CUSTOMERS_TABLE)["churn_risk"].to_pylist() == [0.75]


def test_nothing_that_passed_is_nothing_to_publish(tmp_path: Path) -> None:
    with pytest.raises(NoBundle, match="nothing to publish"):
        publish(settings_in(tmp_path))
