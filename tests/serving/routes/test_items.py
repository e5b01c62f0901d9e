import csv
import io
from typing import Any

import httpx

from serving.http.schemas.forecasts import ForecastAnswer
from serving.http.schemas.tables import ItemAnswer, ListAnswer
from tests.serving.shop import FORECAST_DAYS, HISTORY_DAYS, TEA, TOOLS


def listed(api: httpx.Client, **asked: Any) -> list[str]:
    answer = ListAnswer.model_validate_json(api.get("/v1/items", params=asked).content)
    return [row["item_id"] for row in answer.rows]


def test_one_item(api: httpx.Client) -> None:
    answer = ItemAnswer.model_validate_json(api.get("/v1/items/with%2Fslash").content)
    assert answer.item["item_name"] == "Name of with/slash"
    assert api.get("/v1/items/gone").status_code == 404


def test_a_forecast_by_day_with_its_familys_totals_and_the_items_columns(api: httpx.Client) -> None:
    answer = ForecastAnswer.model_validate_json(api.get("/v1/items/tea-7/forecast").content)
    assert [day.median for day in answer.days] == [1, 2, 3, 4, 5]
    assert [day.mean for day in answer.days] == [1.5, 2.5, 3.5, 4.5, 5.5]
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


def test_what_sold_before_stands_beside_the_forecast(api: httpx.Client) -> None:
    answer = ForecastAnswer.model_validate_json(api.get("/v1/items/tea-7/forecast").content)
    assert [(day.date.day, day.units) for day in answer.history] == [(29, 7.0), (30, 7.0), (31, None)]
    assert len(answer.history) == HISTORY_DAYS
    assert answer.history[-1].date < answer.days[0].date


def test_items_by_their_alert(api: httpx.Client) -> None:
    assert listed(api, where="inventory_alert:eq:low_stock") == ["tool-2"]
    assert listed(api, where="inventory_alert:in:runs_out_before_delivery|low_stock") == ["tool-1", "tool-2"]
    assert listed(api, where="inventory_alert:null:false") == ["tool-1", "tool-2", "tool-3"]
    assert listed(api, where=["order_quantity:gt:0", "item_category:eq:tools"]) == ["tool-1", "tool-2"]


def test_what_is_likeliest_to_run_out_comes_first_unless_another_order_is_asked_for(api: httpx.Client) -> None:
    rest = [*TEA, "tool-0", *TOOLS[4:], "with/slash"]
    assert listed(api) == ["tool-1", "tool-2", "tool-3", *rest]
    assert listed(api, sort="item_id")[:2] == TEA[:2]
    assert listed(api, sort="-order_quantity", limit=2) == ["tool-2", "tool-1"]


def test_pages_in_the_usual_order_neither_overlap_nor_skip(api: httpx.Client) -> None:
    seen: list[str] = []
    asked: dict[str, Any] = {"limit": 4}
    while True:
        page = ListAnswer.model_validate_json(api.get("/v1/items", params=asked).content)
        seen += [row["item_id"] for row in page.rows]
        if page.next_cursor is None:
            break
        asked["cursor"] = page.next_cursor
    assert seen == listed(api)


def test_the_buying_list_as_csv(api: httpx.Client) -> None:
    asked = {"where": "order_quantity:gt:0", "columns": "item_id,order_quantity,inventory_alert", "format": "csv"}
    rows = list(csv.DictReader(io.StringIO(api.get("/v1/items", params=asked).text, newline="")))
    assert [row["item_id"] for row in rows] == ["tool-1", "tool-2"]
    assert float(rows[0]["order_quantity"]) == 12
    assert rows[0]["inventory_alert"] == "runs_out_before_delivery"
