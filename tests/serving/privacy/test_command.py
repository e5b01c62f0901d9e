"""The command runs for real, as a process of its own; `tests/serving/routes/test_privacy.py` sees it succeed."""

import asyncio
from pathlib import Path

import pytest

from contracts.settings import Settings
from serving.privacy.command import PrivacyCommand


def test_a_failure_is_logged_without_an_id(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOPKEEPER_NOTHING", "1")
    assert asyncio.run(PrivacyCommand(Settings(home=tmp_path)).export(["ada"])) is None
    assert "privacy export` failed" in caplog.text
    assert "ada" not in caplog.text


def test_what_is_under_way_ends_with_the_service(tmp_path: Path) -> None:
    async def use() -> None:
        command = PrivacyCommand(Settings(home=tmp_path))
        command.start_erasing()
        await asyncio.sleep(0.05)
        await command.close()

    asyncio.run(use())
