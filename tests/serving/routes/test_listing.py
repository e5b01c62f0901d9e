import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts import columns as c
from contracts.campaigns import HELD_OUT, campaigns_folder
from serving.app import create_app
from tests.serving.conftest import Shop, shop_settings
from tests.serving.running import running
from tests.serving.shop import CUSTOMERS, customers_table, publish_shop

AGREED = CUSTOMERS[::4]


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


@pytest.mark.parametrize(
    "how", [{"params": {"format": "parquet"}}, {"headers": {"Accept": "application/vnd.apache.parquet"}}]
)
def test_parquet_is_the_table(api: httpx.Client, how: dict[str, dict[str, str]]) -> None:
    answer = api.get("/v1/customers", **how)
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    assert answer.headers["x-bundle-version"] == "v1"
    assert pq.read_table(pa.BufferReader(answer.content)).equals(customers_table())


def test_a_file_is_sorted_and_filtered_like_a_page(api: httpx.Client) -> None:
    params = {"where": "orders:ge:3", "sort": "-churn_band,orders", "columns": "customer_id", "limit": 20}
    page = api.get("/v1/customers", params=params).json()["rows"]
    for form in ("csv", "parquet"):
        content = api.get("/v1/customers", params={**params, "format": form}).content
        rows = csv.reader(io.StringIO(content.decode())) if form == "csv" else []
        ids = [row[0] for row in rows][1:] or pq.read_table(pa.BufferReader(content))["customer_id"].to_pylist()
        assert ids == [row["customer_id"] for row in page]


@pytest.mark.parametrize("form", ["json", "csv", "parquet"])
def test_marketing_leaves_out_who_did_not_agree_and_says_how_many(api: httpx.Client, form: str) -> None:
    params = {"format": form, "purpose": "marketing", "where": "orders:lt:20", "columns": "customer_id"}
    answer = api.get("/v1/customers", params=params)
    assert answer.headers["x-left-out-without-consent"] == "15"
    assert answer.content.count(b"customer-") == 5 or form == "parquet"
    everybody = api.get("/v1/customers", params=params | {"include_without_consent": "true"})
    assert "x-left-out-without-consent" not in everybody.headers
    plain = {name: value for name, value in params.items() if name != "purpose"}
    assert api.get("/v1/customers", params=plain).content == everybody.content


def test_klaviyo_is_given_ids_of_those_who_agreed(api: httpx.Client) -> None:
    answer = api.get("/v1/customers", params={"format": "klaviyo"})
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["External ID"] for row in rows] == AGREED
    assert {row["Email Address"] for row in rows} == {""}
    assert answer.headers["x-left-out-without-consent"] == "30"
    assert answer.headers["x-left-out-without-address"] == "0"
    assert "klaviyo" in answer.headers["content-disposition"]
    assert len(api.get("/v1/customers?format=klaviyo&limit=3").text.splitlines()) == 4
    everybody = api.get("/v1/customers?format=klaviyo&include_without_consent=true").text
    assert len(everybody.splitlines()) == 1 + len(CUSTOMERS)


def test_mailchimp_without_addresses_says_where_they_are(api: httpx.Client) -> None:
    answer = api.get("/v1/customers?format=mailchimp")
    assert answer.status_code == 422
    assert "shopkeeper customers --format mailchimp" in answer.json()["detail"]
    nobody = api.get("/v1/customers?format=mailchimp&where=orders:lt:0")
    assert nobody.text.startswith("Email Address,External ID")


def test_a_cursor_does_not_cross_purposes(api: httpx.Client) -> None:
    cursor = api.get("/v1/customers?limit=2&purpose=marketing").json()["next_cursor"]
    assert api.get("/v1/customers", params={"cursor": cursor, "purpose": "marketing"}).status_code == 200
    assert api.get("/v1/customers", params={"cursor": cursor}).status_code == 422


@pytest.mark.parametrize("query", ["format=klaviyo", "format=mailchimp", "purpose=marketing"])
def test_items_are_no_contacts(api: httpx.Client, query: str) -> None:
    answer = api.get(f"/v1/items?{query}")
    assert answer.status_code == 422
    assert "items are no contacts" in answer.json()["detail"]


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
        "purpose=fun",
        "format=klaviyo&columns=age",
        "format=parquet&cursor=djEgeCB5",
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
    with (
        running(settings, app) as url,
        httpx.Client(base_url=url, headers={"X-API-Key": keys["admin"]}, verify=False) as client,
    ):
        cursor = client.get("/v1/customers?limit=2").json()["next_cursor"]
        publish_shop(settings, "v2")
        app.state.service.bundles.refresh()
        answer = client.get("/v1/customers", params={"cursor": cursor})
        assert answer.status_code == 410
        assert answer.json()["bundle_version"] == "v2"


def test_items_are_listed_the_same_way(api: httpx.Client) -> None:
    answer = api.get("/v1/items?where=stock:lt:2&sort=-price").json()
    assert [row["item_id"] for row in answer["rows"]] == ["tea-1", "tea-0"]


def test_lists_for_contact_leave_the_control_group_out(tmp_path: Path) -> None:
    settings, keys = shop_settings(tmp_path)
    publish_shop(settings, "v1")
    campaigns_folder(settings).mkdir()
    row = {"campaign": "spring", "customer_id": AGREED[0], "arm": HELD_OUT, "assigned_at": datetime.now(UTC)}
    held_out = pa.Table.from_pylist([row], schema=c.CAMPAIGNS)
    pq.write_table(held_out, campaigns_folder(settings) / "spring.parquet")
    with running(settings) as url, Shop(settings, url, keys).client() as client:
        for form in ("format=klaviyo", "format=csv&purpose=marketing"):
            answer = client.get(f"/v1/customers?{form}")
            assert answer.headers["x-left-out-held-out"] == "1"
            assert answer.headers["x-left-out-without-consent"] == "30"
            assert AGREED[0] not in answer.text
            assert AGREED[0] in client.get(f"/v1/customers?{form}&include_held_out=true").text
        assert client.get("/v1/customers").json()["total"] == len(CUSTOMERS)
