import multiprocessing
import threading
from pathlib import Path

import pytest

from contracts.errors import StorageError
from contracts.files.lock import exclusive


def _hold(path: Path, held: "multiprocessing.synchronize.Event") -> None:
    with exclusive(path, "ingest"):
        held.set()
        multiprocessing.Event().wait(30)


def test_one_process_writes_at_a_time_and_a_killed_one_no_more(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held, path = context.Event(), tmp_path / "new" / ".lock"
    other = context.Process(target=_hold, args=(path, held))
    other.start()
    assert held.wait(30)
    with pytest.raises(StorageError, match=f"another ingest \\(process {other.pid}\\)"), exclusive(path, "ingest"):
        pass
    other.kill()
    other.join(30)
    with exclusive(path, "ingest"):
        pass


def test_who_waits_gets_it_when_it_is_free(tmp_path: Path) -> None:
    entered = threading.Event()

    def wait() -> None:
        with exclusive(tmp_path / ".lock", "erasure", waits=True):
            entered.set()

    waiting = threading.Thread(target=wait)
    with exclusive(tmp_path / ".lock", "erasure"):
        waiting.start()
        assert not entered.wait(0.05)
    waiting.join(30)
    assert entered.is_set()
