from pathlib import Path

from pipelines.privacy.stores.quarantine import QuarantineStore
from tests.pipelines.privacy.world import ADA, PERSON, world


def test_refused_records_of_the_person_go(tmp_path: Path) -> None:
    store = QuarantineStore(world(tmp_path / "home"))
    assert ADA in str(store.export(PERSON))
    assert store.erase(PERSON) > 0
    assert store.erase(PERSON) == 0
    assert store.export(PERSON) == []
