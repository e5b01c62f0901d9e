import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.settings import load_settings
from serving.security.api_keys import KeyRing
from shopkeeper.commands.keys import app

runner = CliRunner()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHOPKEEPER_HOME", str(tmp_path))
    return tmp_path


def run(*arguments: str) -> str:
    done = runner.invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_create_list_revoke() -> None:
    created = json.loads(run("create", "--name", "web", "--scope", "events:write", "--scope", "admin", "--json"))
    ring = KeyRing(load_settings().keys_path)
    found = ring.authenticate(created["key"])
    assert found is not None
    assert found.scopes == ("events:write", "admin")
    listed = json.loads(run("list", "--json"))["keys"]
    assert [key["name"] for key in listed] == ["web"]
    assert created["key"] not in run("list", "--json") + run("list")
    assert "sha256" not in listed[0]
    assert json.loads(run("revoke", created["id"], "--json"))["revoked_at"]
    assert ring.authenticate(created["key"]) is None


def test_the_key_stands_alone_on_its_line() -> None:
    lines = run("create", "--name", "web", "--scope", "admin").splitlines()
    assert sum(line.startswith("sk_") for line in lines) == 1
    key = next(line for line in lines if line.startswith("sk_"))
    assert KeyRing(load_settings().keys_path).authenticate(key)


def test_no_keys_yet() -> None:
    assert "no keys" in run("list")
    assert json.loads(run("list", "--json")) == {"keys": []}
