from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.bundle_store import open_bundle_store
from contracts.privacy.tombstones import Tombstone, TombstoneFile
from contracts.settings import Settings
from serving.answers.published import PublishedBundle, read_published
from serving.privacy.hidden import HiddenCustomers
from serving.state.sessions import MemorySessionStore
from tests.serving.shop import AS_OF, publish_shop
from tests.serving.state.test_protocol import event, items

LATER = AS_OF + timedelta(days=1)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> PublishedBundle:
    settings = Settings(home=tmp_path_factory.mktemp("hidden"))
    store = open_bundle_store(settings.bundles_url)
    return read_published(store.open(publish_shop(settings, "v1")))


def test_without_tombstones_nobody_is_hidden(tmp_path: Path, served: PublishedBundle) -> None:
    hidden = HiddenCustomers(TombstoneFile(tmp_path), MemorySessionStore())
    assert not hidden.hides(["customer-01"], AS_OF)
    assert hidden.listed(served) == ()


def test_a_tombstone_of_another_process_counts_at_once_until_a_later_bundle(
    tmp_path: Path, served: PublishedBundle
) -> None:
    hidden = HiddenCustomers(TombstoneFile(tmp_path), MemorySessionStore())
    assert hidden.listed(served) == ()
    TombstoneFile(tmp_path).mark(["customer-01", "phone"], Tombstone(LATER))
    assert hidden.hides(["customer-01"], LATER + timedelta(days=9))
    assert hidden.hides(["anonymous:phone"], AS_OF)
    assert hidden.listed(served) == hidden.listed(served) == ("customer-01",)
    TombstoneFile(tmp_path).mark(["customer-01"], Tombstone(LATER, drops=True, cleaned_at=LATER))
    assert not hidden.hides(["customer-01"], LATER + timedelta(seconds=1))
    TombstoneFile(tmp_path).mark(["customer-01", "phone"], Tombstone(AS_OF, cleaned_at=AS_OF - timedelta(1)))
    assert hidden.listed(served) == ()


def test_the_session_of_before_ends_and_a_later_one_goes_on(tmp_path: Path) -> None:
    now, sessions = datetime.now(UTC), MemorySessionStore()
    sessions.record(event("ada", item="tea", at=now - timedelta(seconds=2)), now)
    sessions.record(event("ada", item="cup", at=now), now)
    TombstoneFile(tmp_path).mark(["ada"], Tombstone(now - timedelta(seconds=1)))
    HiddenCustomers(TombstoneFile(tmp_path), sessions).hides(["ada"], now)
    assert items(sessions, "ada", now=now) == ["cup"]
