import httpx
import pytest

from serving.http.schemas.kpis import CohortsAnswer, KpisAnswer
from tests.serving.conftest import Shop


def test_figures_by_month(api: httpx.Client) -> None:
    answer = KpisAnswer.model_validate_json(api.get("/v1/kpis").content)
    assert (answer.bundle_version, len(answer.rows)) == ("v1", 5)
    assert [row.is_complete for row in answer.rows] == [True] * 4 + [False]


def test_figures_by_channel_of_the_last_months(api: httpx.Client) -> None:
    answer = KpisAnswer.model_validate_json(api.get("/v1/kpis", params={"by": "channel", "months": 2}).content)
    assert len(answer.rows) == 4


def test_cohorts(api: httpx.Client) -> None:
    answer = CohortsAnswer.model_validate_json(api.get("/v1/kpis/cohorts", params={"months": 3}).content)
    assert {row.cohort_month.month for row in answer.rows} == {4, 5}


@pytest.mark.parametrize("path", ["/v1/kpis", "/v1/kpis/cohorts"])
def test_csv(api: httpx.Client, path: str) -> None:
    answer = api.get(path, params={"format": "csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["x-bundle-version"] == "v1"
    assert "v1.csv" in answer.headers["content-disposition"]
    assert len(answer.text.splitlines()) > 5


@pytest.mark.parametrize("query", [{"by": "week"}, {"months": 0}, {"format": "xml"}, {"channel": "fax"}], ids=str)
def test_a_wrong_question_is_refused_in_words(api: httpx.Client, query: dict[str, str]) -> None:
    answer = api.get("/v1/kpis", params=query)
    assert answer.status_code == 422
    assert next(iter(query)) in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/kpis", "/v1/kpis/cohorts"])
def test_only_the_back_office_may_ask(shop: Shop, path: str) -> None:
    expected = {None: 401, "storefront": 403, "events": 403, "backoffice": 200}
    for key, status in expected.items():
        with shop.client(key) as client:
            assert client.get(path).status_code == status
