"""Which figures are given, and how they are written."""

from datetime import date

import pytest

from contracts.errors import InputError
from serving.answers.kpis import Kpis, kpi_csv, kpi_json
from serving.http.schemas.kpis import CohortsAnswer, KpisAnswer
from tests.serving.shop import AS_OF, FORMULA_NAME, cohorts_table, kpis_table


@pytest.fixture
def kpis() -> Kpis:
    return Kpis(kpis_table(), cohorts_table())


def test_by_month_gives_the_sum_of_all_channels(kpis: Kpis) -> None:
    rows = kpis.rows().to_pylist()
    assert [row["month"].month for row in rows] == [2, 3, 4, 5, 6]
    assert {row["orders"] for row in rows} == {10}


def test_by_channel_gives_the_parts_and_not_the_sum(kpis: Kpis) -> None:
    rows = kpis.rows("channel").to_pylist()
    assert len(rows) == 10
    assert {row["channel"] for row in rows} == {FORMULA_NAME, "email"}


def test_one_channel(kpis: Kpis) -> None:
    assert {row["channel"] for row in kpis.rows(channel="email").to_pylist()} == {"email"}
    with pytest.raises(InputError, match=r"'fax'.*'email'"):
        kpis.rows(channel="fax")


def test_months_are_counted_from_the_last_one_with_the_current_one(kpis: Kpis) -> None:
    assert [row["month"] for row in kpis.rows(months=2).to_pylist()] == [date(2025, 5, 1), date(2025, 6, 1)]
    assert {row["cohort_month"] for row in kpis.cohorts(months=2).to_pylist()} == {date(2025, 5, 1)}
    assert len(kpis.cohorts(months=99)) == 5 + 4 + 3 + 2


def test_the_answer_is_as_documented(kpis: Kpis) -> None:
    answer = KpisAnswer.model_validate(kpi_json(kpis, kpis.rows(), "v1"))
    assert (answer.as_of, answer.lapse_days, answer.rows[-1].is_complete) == (AS_OF, 60, False)
    cohorts = CohortsAnswer.model_validate(kpi_json(kpis, kpis.cohorts(), "v1"))
    assert (cohorts.rows[0].retention, cohorts.rows[1].retention) == (1.0, 0.25)


def test_a_young_store_has_no_days_until_a_lapse() -> None:
    table = kpis_table()
    young = table.replace_schema_metadata({"as_of": AS_OF.isoformat(), "lapse_days": ""})
    assert Kpis(young, cohorts_table()).lapse_days is None


def test_csv_runs_nothing_in_a_spreadsheet(kpis: Kpis) -> None:
    lines = kpi_csv(kpis.rows("channel", 1)).decode().splitlines()
    assert lines[0].replace('"', "").startswith("month,channel,is_complete,orders,revenue,")
    assert len(lines) == 3
    assert "2025-06-01" in lines[1]
    assert "\"'=HYPERLINK" in lines[1]
