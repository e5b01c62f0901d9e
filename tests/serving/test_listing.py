import csv
import io
from pathlib import Path

import httpx
import pytest

from serving.app import create_app
from tests.serving.conftest import shop_settings
from tests.serving.running import running
from tests.serving.shop import CUSTOMERS, publish_shop


def test_pages_neither_overlap_nor_skip(api: httpx.Client) -> None:
    seen: list[str] = []
    cursor = {}
    while True:
        answer = api.get("/v1/customers", params={"sort": "churn_band,-orders", "limit": 7, **cursor}).json()
        assert answer["total"] == len(CUSTOMERS)
        seen += [row["customer_id"] for row in answer["rows"]]
        if answer["next_cursor"] is None:
            break
        assert all(customer not in answer["next_cursor"] for customer in seen)
        cursor = {"cursor": answer["next_cursor"]}
    assert seen == [*CUSTOMERS[:19:-1], *CUSTOMERS[19::-1]]


def test_the_churn_list(api: httpx.Client) -> None:
    params = {
        "where": ["churn_band:eq:high", "orders:ge:30"],
        "sort": "-churn_risk",
        "columns": "customer_id,churn_risk",
    }
    answer = api.get("/v1/customers", params=params).json()
    assert answer["rows"][0] == {"customer_id": "customer-39", "churn_risk": 0.975}
    assert answer["total"] == 10
    assert answer["bundle_version"] == "v1"


@pytest.mark.parametrize("how", [{"params": {"format": "csv"}}, {"headers": {"Accept": "text/csv"}}])
def test_csv_has_every_row_and_runs_nothing(api: httpx.Client, how: dict[str, dict[str, str]]) -> None:
    answer = api.get("/v1/customers", **how)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["customer_id"] for row in rows] == CUSTOMERS
    assert rows[3]["note"].startswith("'=HYPERLINK")
    assert float(rows[4]["balance"]) == -6.0


def test_csv_takes_a_limit_and_json_has_a_bound(api: httpx.Client) -> None:
    assert len(api.get("/v1/customers?format=csv&limit=3").text.splitlines()) == 4
    assert api.get("/v1/customers?format=csv&limit=100000").status_code == 200
    assert "1,000" in api.get("/v1/customers?limit=1001").json()["detail"]


@pytest.mark.parametrize(
    "query",
    [
        "where=age:eq:1",
        "where=customer_id:eq:customer-01",  # an id in a query string ends up in logs
        "sort=age",
        "sort=orders,-orders",
        "sort=" + ",".join(["orders"] * 6),
        "columns=age",
        "limit=0",
        "limit=-1",
        "format=xml",
        "cursor=x",
        "cursor=%C3%A9",
        "cursor=djEgeCB5",
        "format=csv&cursor=djEgeCB5",
        "&".join(["where=orders:ge:1"] * 21),
    ],
)
def test_a_list_that_cannot_be_made_is_422(api: httpx.Client, query: str) -> None:
    answer = api.get(f"/v1/customers?{query}")
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"]


def test_a_cursor_belongs_to_its_question(api: httpx.Client) -> None:
    cursor = api.get("/v1/customers?sort=-orders&limit=2").json()["next_cursor"]
    assert api.get("/v1/customers", params={"sort": "-orders", "cursor": cursor}).status_code == 200
    assert api.get("/v1/customers", params={"sort": "orders", "cursor": cursor}).status_code == 422


def test_a_cursor_of_an_earlier_bundle_is_gone(tmp_path: Path) -> None:
    settings, keys = shop_settings(tmp_path)
    publish_shop(settings, "v1")
    app = create_app(settings)
    with running(settings, app) as url, httpx.Client(base_url=url, headers={"X-API-Key": keys["admin"]}) as client:
        cursor = client.get("/v1/customers?limit=2").json()["next_cursor"]
        publish_shop(settings, "v2")
        app.state.service.bundles.refresh()
        answer = client.get("/v1/customers", params={"cursor": cursor})
        assert answer.status_code == 410
        assert answer.json()["bundle_version"] == "v2"


def test_items_are_listed_the_same_way(api: httpx.Client) -> None:
    answer = api.get("/v1/items?where=stock:lt:2&sort=-price").json()
    assert [row["item_id"] for row in answer["rows"]] == ["tea-1", "tea-0"]
