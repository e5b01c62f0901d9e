import csv
import io
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.http.schemas.forecasts import LevelForecastAnswer
from tests.serving.conftest import Shop, shop_settings
from tests.serving.running import running
from tests.serving.shop import AS_OF, FORECAST_DAYS, FORMULA_NAME, expected_units, publish_shop


def test_the_store_as_a_whole_unless_another_level_is_asked_for(api: httpx.Client) -> None:
    answer = LevelForecastAnswer.model_validate_json(api.get("/v1/forecast").content)
    assert (answer.bundle_version, answer.as_of, answer.by) == ("v1", AS_OF, "total")
    assert [day.mean for day in answer.rows[0].days] == [expected_units("total", day) for day in range(FORECAST_DAYS)]
    assert answer.rows[0].days[0].date.isoformat() == "2025-06-01"


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, ["tea", FORMULA_NAME]),
        ({"limit": 1}, ["tea"]),
        ({"name": FORMULA_NAME}, [FORMULA_NAME]),
    ],
    ids=str,
)
def test_categories(api: httpx.Client, asked: dict[str, Any], names: list[str]) -> None:
    answer = api.get("/v1/forecast", params={"by": "category", **asked})
    found = LevelForecastAnswer.model_validate_json(answer.content)
    assert [row.name for row in found.rows] == names
    assert found.known == 2
    files = api.get("/v1/forecast", params={"by": "category", "format": "csv", **asked})
    rows = list(csv.DictReader(io.StringIO(files.text, newline="")))
    assert [row["name"].removeprefix("'") for row in rows[::FORECAST_DAYS]] == names


def test_csv_is_a_file_that_says_what_it_is(api: httpx.Client) -> None:
    answer = api.get("/v1/forecast", params={"by": "category", "format": "csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["x-bundle-version"] == "v1"
    assert 'filename="forecast-category-v1.csv"' in answer.headers["content-disposition"]
    assert len(answer.text.splitlines()) == 1 + 2 * FORECAST_DAYS


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"by": "item"}, "'total', 'category' or 'channel'"),
        ({"by": "channel"}, "it has those by total, category"),
        ({"by": "category", "name": "coffee"}, "there are 'tea'"),
        ({"by": "category", "name": ""}, "name"),
        ({"by": "category", "name": "x" * 201}, "name"),
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"format": "xml"}, "format"),
    ],
    ids=str,
)
def test_a_wrong_question_is_refused_in_words(api: httpx.Client, asked: dict[str, Any], said: str) -> None:
    answer = api.get("/v1/forecast", params=asked)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]


def test_an_item_is_another_route(api: httpx.Client) -> None:
    assert api.get("/v1/items/tea-1/forecast").json()["item_id"] == "tea-1"
    assert api.get("/v1/items/forecast").status_code == 404  # an id like any other


def test_only_the_back_office_may_ask(shop: Shop) -> None:
    expected = {None: 401, "storefront": 403, "events": 403, "backoffice": 200}
    for key, status in expected.items():
        with shop.client(key) as client:
            assert client.get("/v1/forecast").status_code == status


@pytest.mark.parametrize(
    ("bundle", "code"), [({"with_levels": False}, "no-levels"), ({"with_families": False}, "no-forecasts")]
)
def test_a_bundle_without_levels_is_served_and_says_what_to_do(
    tmp_path: Path, bundle: dict[str, bool], code: str
) -> None:
    settings, keys = shop_settings(tmp_path)
    publish_shop(settings, "v1", **bundle)
    with running(settings) as url, Shop(settings, url, keys).client() as client:
        answer = client.get("/v1/forecast", params={"by": "category"})
        assert answer.status_code == 503
        assert answer.json()["type"].endswith(code)
        assert "shopkeeper train demand" in answer.json()["detail"]
        items = client.get("/v1/items/tea-1/forecast").status_code
        assert items == (200 if "with_levels" in bundle else 503)
