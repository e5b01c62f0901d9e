from datetime import UTC, datetime

import orjson

from serving.routes.csv_or_json import csv_answer, json_answer


def test_a_csv_file_is_named_after_its_content_and_bundle() -> None:
    answer = csv_answer(b"a\n1\n", "kpis", "v7")
    assert answer.body == b"a\n1\n"
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="kpis-v7.csv"'
    assert answer.headers["x-bundle-version"] == "v7"


def test_json_has_its_times_in_utc() -> None:
    answer = json_answer({"as_of": datetime(2025, 1, 2, tzinfo=UTC)})
    assert orjson.loads(answer.body) == {"as_of": "2025-01-02T00:00:00Z"}
    assert answer.headers["content-type"] == "application/json"
