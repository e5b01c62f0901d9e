import httpx

from serving.schemas import ForecastAnswer, ItemAnswer
from tests.serving.shop import FORECAST_DAYS


def test_one_item(api: httpx.Client) -> None:
    answer = ItemAnswer.model_validate_json(api.get("/v1/items/with%2Fslash").content)
    assert answer.item["item_name"] == "Name of with/slash"
    assert api.get("/v1/items/gone").status_code == 404


def test_a_forecast_by_day_with_its_familys_totals_and_the_items_columns(api: httpx.Client) -> None:
    answer = ForecastAnswer.model_validate_json(api.get("/v1/items/tea-7/forecast").content)
    assert [day.median for day in answer.days] == [1, 2, 3, 4, 5]
    assert answer.days[0].date.isoformat() == "2025-06-01"
    assert len(answer.days) == FORECAST_DAYS
    assert answer.totals == {"units_next_5_days": 20.0}
    assert answer.item is not None
    assert answer.item["stock"] == 7.0


def test_an_item_without_forecast_is_told_apart_from_an_unknown_one(api: httpx.Client) -> None:
    codes = {
        path: api.get(f"/v1/items/{path}/forecast").json()["type"].rsplit(":", 1)[-1] for path in ("tool-1", "gone")
    }
    assert codes == {"tool-1": "no-forecast", "gone": "unknown-item"}
