import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.errors import StorageError
from contracts.privacy.tombstones import Tombstone, TombstoneFile, hash_of

AT = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DONE = Tombstone(AT, drops=True, cleaned_at=AT + HOUR)


@pytest.fixture
def file(tmp_path: Path) -> TombstoneFile:
    return TombstoneFile(tmp_path)


def test_before_the_first_erasure_nothing_is_written(file: TombstoneFile) -> None:
    assert not file.current()
    assert not file.folder.exists()


def test_what_happened_before_the_erasure_is_suppressed_and_what_comes_later_is_not(file: TombstoneFile) -> None:
    file.mark(["ada", "Ada@Example.org"], DONE)
    tombstones = file.current()
    assert tombstones.suppresses(["ada"], AT)
    assert tombstones.suppresses([None, "ADA@example.org "], AT - HOUR)
    assert tombstones.suppresses(["ada"], None)
    assert not tombstones.suppresses(["ada"], AT + HOUR)
    assert not tombstones.suppresses(["bob", "Ada"], AT - HOUR)


def test_a_pending_erasure_hides_and_suppresses_nothing_yet(file: TombstoneFile) -> None:
    file.mark(["ada"], Tombstone(AT))
    assert not file.current().suppresses(["ada"], AT - HOUR)
    assert file.current().hides(["ada"], AT + 1000 * HOUR)


def test_bundles_that_were_made_after_the_cleaning_are_not_hidden(file: TombstoneFile) -> None:
    file.mark(["ada"], DONE)
    assert file.current().hides(["ada"], AT)
    assert not file.current().hides(["ada"], AT + 2 * HOUR)


def test_another_reader_sees_a_new_tombstone(file: TombstoneFile, tmp_path: Path) -> None:
    file.mark(["ada"], DONE)
    assert not file.current().of(["bob"])
    TombstoneFile(tmp_path).mark(["bob"], DONE)
    assert file.current().of(["bob"])
    assert file.current().of(["ada"])


def test_the_files_tell_no_id_and_can_be_read_by_their_owner_only(file: TombstoneFile) -> None:
    file.mark(["ada"], DONE)
    for path in (file.path, file.folder / "secret"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert b"ada" not in path.read_bytes()
    assert stat.S_IMODE(file.folder.stat().st_mode) == 0o700


def test_another_secret_gives_other_hashes(file: TombstoneFile) -> None:
    file.mark(["ada"], DONE)
    assert replace(file.current(), secret=b"x" * 32).of(["ada"]) is None
    assert hash_of("ada", b"x") != hash_of("ada", b"y")


def test_tombstones_without_their_secret_or_damaged_are_refused(file: TombstoneFile, tmp_path: Path) -> None:
    file.mark(["ada"], DONE)
    (file.folder / "secret").rename(tmp_path / "away")
    with pytest.raises(StorageError, match="missing"):
        TombstoneFile(tmp_path).current()
    (tmp_path / "away").rename(file.folder / "secret")
    file.path.write_bytes(b"{")
    with pytest.raises(StorageError, match="cannot be read"):
        TombstoneFile(tmp_path).current()
