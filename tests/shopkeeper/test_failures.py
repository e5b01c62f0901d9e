"""Failures of the machine are a sentence with what to do; an unknown one is not explained away."""

import errno
import sys
from pathlib import Path

import apsw
import pytest

from shopkeeper.failures import explained
from shopkeeper.main import run


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        (RuntimeError("IO Error: could not write: No space left on device"), "the disk is full"),
        (apsw.FullError("database or disk is full"), "the disk is full"),
        (apsw.CorruptError("database disk image is malformed"), "is damaged"),
        (RuntimeError("(sqlite3.DatabaseError) file is not a database"), "mlflow.db, move it away"),
        (RuntimeError("(sqlite3.OperationalError) database is locked"), "another process"),
        (
            PermissionError(errno.EACCES, "Permission denied", "/srv/shop/keys.json"),
            "/srv/shop/keys.json may not be read",
        ),
        (OSError("libgomp.so.1: cannot open shared object file"), "apt-get install libgomp1"),
    ],
)
def test_a_known_failure_has_a_sentence(error: Exception, says: str) -> None:
    assert says in str(explained(error))


@pytest.mark.parametrize("error", [ValueError("shapes differ"), KeyError("a"), OSError(errno.EPIPE, "Broken pipe")])
def test_an_unknown_failure_keeps_its_traceback(error: Exception) -> None:
    assert explained(error) is None


@pytest.mark.parametrize("command", [["ingest"], ["keys", "create", "--name", "a", "--scope", "admin"], ["publish"]])
def test_a_full_disk_is_a_message_of_every_command_that_writes(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(self: Path, *_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    monkeypatch.setenv("SHOPKEEPER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "argv", ["shopkeeper", *command])
    monkeypatch.setattr(Path, "mkdir", fail)
    monkeypatch.setattr("pipelines.publishing.publish.publish", lambda *_: fail(tmp_path))
    with pytest.raises(SystemExit) as ended:
        run()
    shown = capsys.readouterr()
    assert ended.value.code == 1
    assert "error: the disk is full." in shown.err
    assert "Traceback" not in shown.err
