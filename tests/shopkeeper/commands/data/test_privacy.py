import json
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from contracts.errors import InputError
from contracts.privacy.requests import ask
from shopkeeper.main import app
from tests.pipelines.wire import bought, ingest_events


def run(home: Path, *arguments: str, answer: str = "") -> Any:
    done = CliRunner().invoke(app, ["privacy", *arguments], input=answer, env={"SHOPKEEPER_HOME": str(home)})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.stdout


def test_a_person_is_exported_erased_and_the_receipt_verified(tmp_path: Path) -> None:
    home = tmp_path / "home"
    ingest_events(home, bought("m1", "ada", {"tea": 5.0}), bought("m2", "bob", {"tea": 5.0}))
    assert json.loads(run(home, "export", "ada"))["ids"] == ["ada"]
    run(home, "export", "ada", "--output", str(tmp_path / "ada.json"))
    assert '"order-m1"' in (tmp_path / "ada.json").read_text()
    assert stat.S_IMODE((tmp_path / "ada.json").stat().st_mode) == 0o600
    with pytest.raises(InputError, match="nothing was erased"):
        run(home, "erase", "ada", answer="n\n")
    (receipt,) = json.loads(run(home, "erase", "ada", "--yes", "--json"))["receipts"]
    path = tmp_path / "receipt.json"
    path.write_text(json.dumps(receipt))
    assert json.loads(run(home, "verify", str(path), "--json"))["valid"]
    assert "unchanged" in run(home, "verify", str(path))
    assert "events.jsonl" in run(home, "verify", str(path))  # not Shopkeeper's, and so not searched
    path.write_text(json.dumps(receipt | {"erased_at": "2020"}))
    with pytest.raises(InputError, match="changed"):
        run(home, "verify", str(path))
    assert "No erasure is waiting" in run(home, "erase")
    assert run(home, "erase", "bob", answer="y\n").count("warehouse") == 1


def test_requests_wait_until_they_are_answered(tmp_path: Path) -> None:
    assert "No request is waiting" in run(tmp_path, "requests")
    asked = ask(tmp_path, "export", ["ada"], datetime.now(UTC))
    erasure = ask(tmp_path, "erase", ["bob"], datetime.now(UTC))
    assert "give the person the file" in run(tmp_path, "requests")
    with pytest.raises(InputError, match="ends itself"):
        run(tmp_path, "requests", "--done", erasure.id)
    (left,) = json.loads(run(tmp_path, "requests", "--done", asked.id, "--json"))["requests"]
    assert (left["kind"], left["ids"]) == ("erase", ["bob"])
