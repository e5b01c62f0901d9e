from pathlib import Path

from pipelines.privacy.stores.campaigns import CampaignStore
from tests.pipelines.privacy.world import ADA, PERSON, world


def test_the_person_leaves_every_campaign(tmp_path: Path) -> None:
    store = CampaignStore(world(tmp_path / "home"))
    assert ADA in str(store.export(PERSON))
    assert store.erase(PERSON) > 0
    assert store.erase(PERSON) == 0
    assert store.export(PERSON) == []
