from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.errors import InputError, StorageError
from contracts.privacy.requests import ask, finish_request, waiting_requests
from contracts.privacy.tombstones import TombstoneFile

AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_requests_wait_in_their_order_until_they_are_done(tmp_path: Path) -> None:
    later = ask(tmp_path, "erase", ["bob"], AT + timedelta(hours=1))
    first = ask(tmp_path, "erase", ["ada", " ada ", ""], AT)
    assert first.ids == ["ada"]
    assert waiting_requests(tmp_path) == [first, later]
    finish_request(tmp_path, first)
    finish_request(tmp_path, first)
    assert waiting_requests(tmp_path) == [later]


def test_who_is_asked_for_is_hidden_at_once(tmp_path: Path) -> None:
    ask(tmp_path, "erase", ["ada"], AT)
    assert TombstoneFile(tmp_path).current().hides(["ada"], AT + timedelta(days=1))


@pytest.mark.parametrize("ids", [[], [" "], ["x" * 201], [str(number) for number in range(101)]])
def test_no_id_too_many_and_too_long_ones_are_refused(tmp_path: Path, ids: list[str]) -> None:
    with pytest.raises(InputError, match="ids"):
        ask(tmp_path, "erase", ids, AT)


def test_a_damaged_request_is_told(tmp_path: Path) -> None:
    request = ask(tmp_path, "erase", ["ada"], AT)
    (tmp_path / "privacy" / "requests" / f"{request.id}.json").write_bytes(b"{")
    with pytest.raises(StorageError, match="Ask again"):
        waiting_requests(tmp_path)


def test_who_asks_for_an_export_is_not_hidden_and_a_shop_needs_no_id(tmp_path: Path) -> None:
    ask(tmp_path, "export", ["ada"], AT)
    ask(tmp_path, "erase_shop", [], AT)
    assert not TombstoneFile(tmp_path).current()
    assert {each.kind for each in waiting_requests(tmp_path)} == {"export", "erase_shop"}
