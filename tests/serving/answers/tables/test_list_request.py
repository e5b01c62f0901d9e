from typing import Any

import pyarrow as pa
import pytest

from contracts.errors import InputError
from serving.answers.tables.list_request import ListOptions, ListRequest, parse_list
from serving.answers.tables.table import ServedTable

CUSTOMERS = ServedTable(
    pa.table(
        {
            "customer_id": ["a", "b@shop.example", "c", "d"],
            "orders": [4, 3, 2, 1],
            "consent_marketing": [True, True, False, None],
        }
    ),
    "customer_id",
)
ITEMS = ServedTable(
    pa.table({"item_id": ["a", "b", "c"], "order_quantity": [1.0, None, 7.0], "trend": ["x", "y", "z"]}), "item_id"
)


def customers(form: str = "json", **options: Any) -> ListRequest:
    return parse_list("customers", CUSTOMERS, form, ListOptions(**options))


def ids(request: ListRequest, key: str = "customer_id") -> list[str]:
    return [row[key] for row in request.rows(request.find(None).positions)]


def test_filters_sort_and_columns_are_parsed() -> None:
    request = customers(where=["orders:ge:2"], sort=" orders, -customer_id", columns="orders,customer_id,orders")
    found = request.find(2)
    assert request.rows(found.positions) == [
        {"orders": 2, "customer_id": "c"},
        {"orders": 3, "customer_id": "b@shop.example"},
    ]
    assert found.total == 3


def test_the_default_sort_of_items_is_what_to_order() -> None:
    assert ids(parse_list("items", ITEMS, "json", ListOptions()), "item_id") == ["c", "a", "b"]
    assert ids(parse_list("items", ITEMS, "json", ListOptions(sort="item_id")), "item_id") == ["a", "b", "c"]
    assert ids(customers()) == ["a", "b@shop.example", "c", "d"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"where": ["age:eq:1"]}, "no column 'age'"),
        ({"sort": "age"}, "no column 'age'"),
        ({"columns": "age"}, "no column 'age'"),
        ({"sort": "orders,-orders"}, "each once"),
        ({"sort": "a,b,c,d,e,f"}, "at most 5"),
    ],
)
def test_what_the_table_lacks_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        customers(**options)


def test_marketing_keeps_who_agreed_and_counts_the_others() -> None:
    request = customers(for_marketing=True, where=["orders:le:3"])
    assert ids(request) == ["b@shop.example"]
    assert request.without_consent(request.find(None)) == 2
    everybody = customers(for_marketing=True, include_without_consent=True)
    assert len(ids(everybody)) == 4
    assert not everybody.consent


def test_items_are_no_contacts() -> None:
    for form, options in (("klaviyo", ListOptions()), ("json", ListOptions(for_marketing=True))):
        with pytest.raises(InputError, match="items are no contacts"):
            parse_list("items", ITEMS, form, options)


def test_a_file_has_the_rows_that_were_found() -> None:
    request = customers("csv", columns="customer_id", limit=2)
    assert b"".join(request.chunks(request.find(request.limit).positions)).decode() == (
        '"customer_id"\n"a"\n"b@shop.example"\n'.replace('"customer_id"', "customer_id")
    )


def test_a_contact_file_has_who_can_be_reached() -> None:
    request = customers("mailchimp")
    chunks, left_out = request.contact_file(request.find(None))
    lines = b"".join(chunks).decode().splitlines()
    assert len(lines) == 2
    assert lines[1].startswith('"b@shop.example"')
    assert left_out == 1
    nobody = customers("mailchimp", where=["orders:eq:4"])
    with pytest.raises(InputError, match="mailchimp needs an e-mail address"):
        nobody.contact_file(nobody.find(None))


BANDS = ServedTable(
    pa.table({"customer_id": ["a", "b"], "churn_band": ["high", "high"], "country": ["DE", None]}), "customer_id"
)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("churn_band:eq:hihg", "'churn_band' is never 'hihg'; it is one of 'high', 'medium', 'low', 'lapsed'"),
        ("churn_band:in:high|mediun", "never 'mediun'"),
        ("churn_band:ne:hihg", "never 'hihg'"),
        ("country:not_in:de", "never 'de'; it is one of 'DE'"),
    ],
)
def test_a_value_that_a_column_cannot_have_is_refused_with_those_that_it_can(where: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_list("customers", BANDS, "json", ListOptions([where]))


@pytest.mark.parametrize("where", ["churn_band:eq:low", "country:contains:x", "customer_id:eq:z", "churn_band:eq:high"])
def test_a_declared_value_that_nobody_has_today_gives_nobody(where: str) -> None:
    expected = ["a", "b"] if where.endswith("high") else []
    assert ids(parse_list("customers", BANDS, "json", ListOptions([where]))) == expected


def test_a_column_of_many_texts_is_not_checked() -> None:
    many = ServedTable(
        pa.table({"customer_id": [f"{n:02}" for n in range(40)], "note": [f"n{n}" for n in range(40)]}), "customer_id"
    )
    assert ids(parse_list("customers", many, "json", ListOptions(["note:eq:other"]))) == []
