from pathlib import Path

from pipelines.privacy.stores.runs import RunStore
from tests.pipelines.privacy.world import ADA, PERSON, world


def test_an_artifact_that_names_the_person_goes(tmp_path: Path) -> None:
    store = RunStore(world(tmp_path / "home"))
    assert ADA in str(store.export(PERSON))
    assert store.erase(PERSON) > 0
    assert store.erase(PERSON) == 0
    assert store.export(PERSON) == []
