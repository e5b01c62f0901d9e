from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa

from serving.answers.tables.json_cells import rows_as_json

MOMENT = datetime(2025, 1, 2, 3, tzinfo=UTC)


def test_cells_are_ready_for_json() -> None:
    table = pa.table(
        {
            "id": ["a"],
            "single": pa.array([0.3], pa.float32()),
            "nan": [float("nan")],
            "day": [date(2025, 1, 2)],
            "local": pa.array([MOMENT], pa.timestamp("us")),
            "utc": pa.array([MOMENT], pa.timestamp("us", "Europe/Berlin")),
            "decimal": pa.array([Decimal("1.25")], pa.decimal128(5, 2)),
            "duration": pa.array([timedelta(days=1)], pa.duration("s")),
            "list": [["x", None]],
        }
    )
    assert rows_as_json(table) == [
        {
            "id": "a",
            "single": 0.3,  # not 0.30000001192
            "nan": None,
            "day": "2025-01-02",
            "local": "2025-01-02T03:00:00Z",
            "utc": "2025-01-02T03:00:00Z",
            "decimal": 1.25,
            "duration": "1 day, 0:00:00",
            "list": ["x", None],
        }
    ]


def test_nulls_stay_null_and_rows_keep_their_order() -> None:
    table = pa.table({"n": [2, None, 1], "at": pa.array([None, MOMENT, None], pa.timestamp("us", "UTC"))})
    rows = rows_as_json(table)
    assert [row["n"] for row in rows] == [2, None, 1]
    assert [row["at"] for row in rows] == [None, "2025-01-02T03:00:00Z", None]
    assert rows_as_json(table.slice(0, 0)) == []
