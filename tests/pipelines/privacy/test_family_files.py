from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from contracts.bundle import Replay, read_table, write_table
from contracts.privacy.erasable import Person
from pipelines.privacy.family_files import erase_from_files, rows_in_files, without_replays_of
from recsys.files import read_recommender, write_recommender
from tests.serving.shop import shop_recommender

PERSON = Person(frozenset({"customer-07", "phone"}), datetime(2026, 1, 1, tzinfo=UTC))


def test_rows_and_histories_are_found_and_erased(tmp_path: Path) -> None:
    names = ["anonymous:phone", "customer-07", "customer-08"]
    write_table(tmp_path / "value" / "table.arrow", pa.table({"customer_id": names, "value": [1.0, 2.0, 3.0]}))
    write_table(tmp_path / "tables" / "items.arrow", pa.table({"item_id": ["customer-07"]}))
    write_recommender(tmp_path / "recommend", shop_recommender())
    found = list(rows_in_files(tmp_path, PERSON))
    assert [row["file"] for row in found] == ["value/table.arrow", "value/table.arrow", "recommend"]
    assert len(found[-1]["items"]) == 20
    mapped = read_table(tmp_path / "value" / "table.arrow")
    assert erase_from_files(tmp_path, PERSON) == 3
    assert erase_from_files(tmp_path, PERSON) == 0
    assert list(rows_in_files(tmp_path, PERSON)) == []
    assert mapped["customer_id"].to_pylist() == names  # who reads the former file goes on
    assert read_table(tmp_path / "value" / "table.arrow").to_pydict() == {
        "customer_id": ["customer-08"],
        "value": [3.0],
    }
    assert read_table(tmp_path / "tables" / "items.arrow").num_rows == 1
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".writing")]
    assert len(read_recommender(tmp_path / "recommend").histories.customers) == 39
    assert np.load(tmp_path / "recommend" / "history_offsets.npy").shape == (40,)


def test_replays_of_others_stay() -> None:
    own, other, nobody = (Replay("customer", {"customer_id": i}, {}) for i in ("customer-07", "customer-08", None))
    assert without_replays_of([own, other, nobody], PERSON) == [other, nobody]
