from pathlib import Path

import orjson

from pipelines.privacy.export import export
from pipelines.privacy.stores.registry import stores
from tests.pipelines.privacy.world import ADA, DEVICE, NEEDLES, world
from tests.serving.shop import CUSTOMERS


def test_everything_of_the_person_is_exported_and_nothing_of_others(tmp_path: Path) -> None:
    settings = world(tmp_path / "home")
    document = orjson.dumps(export(settings, [DEVICE]), default=str).decode()
    for needle in (*NEEDLES, "device-of-ada-new-55d0", "o-customer-07", "Danced", "churn_risk", "spring"):
        assert needle in document
    assert not [name for name in CUSTOMERS if name != ADA and f'"{name}"' in document]
    exported = orjson.loads(document)
    assert all(exported["stores"][store.name]["rows"] for store in stores(settings))
    assert exported["erasures_waiting"] == 0
