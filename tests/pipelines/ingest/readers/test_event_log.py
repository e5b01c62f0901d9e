from pathlib import Path

from contracts.logs.event_logs.sqlite import SqliteEventLog
from contracts.logs.events import LogRecord
from pipelines.ingest.readers.event_log import EventLogReader
from pipelines.warehouse.file_index import LogPosition
from tests.pipelines.wire import NOW


def log_with(path: Path, *message_ids: str) -> SqliteEventLog:
    log = SqliteEventLog(path)
    log.append([LogRecord(message_id, b"{}", NOW, "key:shop") for message_id in message_ids])
    return log


def read(log: SqliteEventLog, position: LogPosition) -> tuple[int, int, LogPosition]:
    """Records read, repeats reported, and the position reached."""
    reader = EventLogReader(log, position)
    found = sum(len(block) for block in reader.blocks())
    return found, reader.repeats, reader.position


def test_a_log_is_read_once_with_its_repeats(tmp_path: Path) -> None:
    log = log_with(tmp_path / "log", "a", "b", "a")
    found, repeats, position = read(log, LogPosition())
    assert (found, repeats) == (2, 1)
    log.append([LogRecord("c", b"{}", NOW, "key:shop"), LogRecord("b", b"{}", NOW, "key:shop")])
    assert read(log, position)[:2] == (1, 1)


def test_another_log_is_read_from_its_beginning(tmp_path: Path) -> None:
    position = read(log_with(tmp_path / "old", "a", "b", "c", "c"), LogPosition())[2]
    assert read(log_with(tmp_path / "shorter", "d"), position)[:2] == (1, 0)
    assert read(log_with(tmp_path / "longer", "d", "e", "f", "g"), position)[:2] == (4, 0)


def test_records_carry_their_own_time_and_source(tmp_path: Path) -> None:
    ((record,),) = EventLogReader(log_with(tmp_path / "log", "a"), LogPosition()).blocks()
    assert (record.received_at, record.source, record.place) == (NOW, "key:shop", 1)
