from pathlib import Path
from typing import Any

import pytest
import uvicorn

from contracts.errors import SettingsError
from contracts.settings import load_settings
from serving.security.api_keys import create_key
from shopkeeper.commands.serve import serve


@pytest.fixture(autouse=True)
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []
    monkeypatch.setenv("SHOPKEEPER_HOME", str(tmp_path))
    monkeypatch.setattr(uvicorn, "run", lambda app, **options: calls.append(options))
    return calls


def test_without_keys_nothing_is_started(started: list[dict[str, Any]]) -> None:
    with pytest.raises(SettingsError, match="keys create"):
        serve()
    assert started == []


def test_it_listens_on_loopback_and_logs_no_paths(started: list[dict[str, Any]]) -> None:
    create_key(load_settings().keys_path, "admin", ["admin"])
    serve(port=8123, workers=2)
    options = started[0]
    assert (options["host"], options["port"], options["workers"]) == ("127.0.0.1", 8123, 2)
    assert options["access_log"] is False
    assert options["server_header"] is False


def test_a_policy_that_cannot_be_used_starts_nothing(
    started: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_key(load_settings().keys_path, "admin", ["admin"])
    monkeypatch.setenv("SHOPKEEPER_POLICY", str(tmp_path / "policy.toml"))
    (tmp_path / "policy.toml").write_text("[attic]")
    with pytest.raises(SettingsError, match="attic"):
        serve()
    assert started == []
