from pathlib import Path

from pipelines.privacy.stores.warehouse import WarehouseStore
from tests.pipelines.privacy.world import ADA, PERSON, world


def test_events_statements_and_identities_go(tmp_path: Path) -> None:
    store = WarehouseStore(world(tmp_path / "home"))
    assert ADA in str(store.export(PERSON))
    assert store.erase(PERSON) > 0
    assert store.erase(PERSON) == 0
    assert store.export(PERSON) == []
