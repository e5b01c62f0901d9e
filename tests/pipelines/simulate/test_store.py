from inspect import isgenerator
from pathlib import Path

from pipelines.simulate.parameters import MIN_ITEMS, StoreParameters
from pipelines.simulate.store import Store


def test_days_come_one_by_one(tmp_path: Path) -> None:
    store = Store(StoreParameters(customers=200, items=MIN_ITEMS, days=30), tmp_path)
    days = store.days()
    assert isgenerator(days)
    seen = []
    for day in days:
        seen.append(day.count(b"\n"))
        assert store.events == sum(seen)  # no later day exists yet
    assert len(seen) == 30
    assert store.events > 0
