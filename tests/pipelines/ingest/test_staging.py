import multiprocessing
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import StorageError
from contracts.progress import silent
from pipelines.ingest import staging as stages
from pipelines.ingest.readers.record import Record
from pipelines.ingest.staging import Staging, open_staging
from pipelines.warehouse.currency import AcceptedCurrencies
from tests.pipelines.ingest.odd_records import Curious, Deadly
from tests.pipelines.wire import NOW

ANY_CURRENCY = AcceptedCurrencies(None, {})


def blocks(count: int) -> list[list[Record]]:
    raws = [b'{"type":"page","userId":"u%d"}' % number for number in range(count)]
    return [[Record(raw, 1, len(raw)), Record(b"{", 2, 1)] for raw in raws]


def staged(folder: Path, workers: int) -> tuple[Staging, pa.Table]:
    with open_staging(folder, NOW, ANY_CURRENCY, workers, silent) as staging:
        staging.add("a", "file", blocks(3))
        staging.add("b", "file", blocks(2))
        staging.finish()
        return staging, pa.concat_tables([pq.read_table(path) for path in staging.parts("lines")])


def test_workers_stage_what_one_process_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone, expected = staged(tmp_path / "alone", 1)
    monkeypatch.setattr(stages, "ALONE_CHUNKS", 1)
    shared, found = staged(tmp_path / "shared", 2)
    assert found.equals(expected)
    assert shared.counts == alone.counts
    assert {name: counts.received for name, counts in shared.counts.items()} == {"a": 6, "b": 4}


def test_workers_start_at_once_where_much_will_come(tmp_path: Path) -> None:
    _, expected = staged(tmp_path / "alone", 1)
    for size, are_started in ((stages.LARGE_BYTES - 1, False), (stages.LARGE_BYTES, True)):
        with open_staging(tmp_path / "stage", NOW, ANY_CURRENCY, 2, silent) as staging:
            staging.expect(size)
            assert bool(multiprocessing.active_children()) == are_started
            staging.add("a", "file", blocks(3))
            staging.add("b", "file", blocks(2))
            staging.finish()
            found = pa.concat_tables([pq.read_table(path) for path in staging.parts("lines")])
        assert found.equals(expected)


def test_the_first_stated_currency_counts_whichever_worker_meets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chunks that wait know of no currency yet; a later one that took another is staged again."""
    monkeypatch.setattr(stages, "ALONE_CHUNKS", 0)
    order = '{{"type":"track","event":"Order Completed","userId":"a","properties":{{"order_id":"o","currency":"{}"}}}}'
    codes = [["EUR"], ["USD"], ["USD", "EUR"]]
    records = [[Record(order.format(code).encode(), 1, 99) for code in block] for block in codes]
    with open_staging(tmp_path / "stage", NOW, ANY_CURRENCY, 2, silent) as staging:
        for number, block in enumerate(records):
            staging.add(str(number), "file", [block])
        staging.finish()
        found = pa.concat_tables([pq.read_table(path) for path in staging.parts("lines")])
    assert {name: (counts.stored, counts.quarantined.total()) for name, counts in staging.counts.items()} == {
        "0": (1, 0), "1": (0, 1), "2": (1, 1)
    }  # fmt: skip
    assert found["currency"].to_pylist() == ["EUR", "EUR"]
    assert staging.currencies.currency == "EUR"


def test_duplicates_are_counted_where_they_came_from(tmp_path: Path) -> None:
    staging, _ = staged(tmp_path / "stage", 1)
    staging.count_duplicates({0: 1, 4: 1})
    assert [(counts.stored, counts.duplicate) for counts in staging.counts.values()] == [(2, 1), (1, 1)]
    assert all(counts.adds_up for counts in staging.counts.values())


def test_the_folder_is_emptied_before_and_removed_after(tmp_path: Path) -> None:
    folder = tmp_path / "stage"
    folder.mkdir()
    (folder / "lines-000000.parquet").write_bytes(b"left behind by a crash")
    with open_staging(folder, NOW, ANY_CURRENCY, 1, silent) as staging:
        assert staging.parts("lines") == []
    assert not folder.exists()


def test_a_dead_worker_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "ALONE_CHUNKS", 0)
    with open_staging(tmp_path / "stage", NOW, ANY_CURRENCY, 2, silent) as staging:
        staging.add("a", "file", [Deadly()])
        with pytest.raises(StorageError, match="worker process of ingest ended unexpectedly"):
            staging.finish()


def test_workers_do_not_import_the_main_module_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main = sys.modules["__main__"]
    monkeypatch.setattr(stages, "ALONE_CHUNKS", 0)
    with open_staging(tmp_path / "stage", NOW, ANY_CURRENCY, 2, silent) as staging:
        staging.add("a", "file", [Curious()])
        staging.finish()
        (part,) = staging.parts("quarantine")
        (row,) = pq.read_table(part).to_pylist()
    assert row["reason"] == "None"
    assert sys.modules["__main__"] is main
