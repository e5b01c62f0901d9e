from pathlib import Path

from pipelines.privacy.stores.live_log import LiveLogStore
from tests.pipelines.privacy.world import ADA, PERSON, world


def test_the_person_s_records_leave_the_log(tmp_path: Path) -> None:
    store = LiveLogStore(world(tmp_path / "home"))
    assert ADA in str(store.export(PERSON))
    assert store.erase(PERSON) > 0
    assert store.erase(PERSON) == 0
    assert store.export(PERSON) == []
