from pathlib import Path

from pipelines.privacy.stores.challengers import TrainedStore
from tests.pipelines.privacy.world import ADA, PERSON, world


def test_the_person_leaves_every_family_and_its_replays(tmp_path: Path) -> None:
    store = TrainedStore(world(tmp_path / "home"))
    assert ADA in str(store.export(PERSON))
    assert store.erase(PERSON) > 0
    assert store.erase(PERSON) == 0
    assert store.export(PERSON) == []
