"""What Klaviyo and Mailchimp are given: who agreed and can be reached, in the form that they import."""

import csv
import io
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.answers.exports.marketing import (
    CONTACT_FORMATS,
    allowed,
    contact_chunks,
    contacts,
    useful_columns,
    why_no_contacts,
)
from serving.answers.tables.filters import Filter
from serving.answers.tables.table import ServedTable

KLAVIYO, MAILCHIMP = CONTACT_FORMATS["klaviyo"], CONTACT_FORMATS["mailchimp"]
ADDRESSES = pa.table({"customer_id": ["a", "b", "zz"], "email": ["ann@shop.example", "no address", "zoe@shop.example"]})


def customers(**more: object) -> ServedTable:
    columns = {
        "customer_id": ["=evil", "a", "b", "c@shop.example"],
        "consent_marketing": [True, True, None, False],
        "churn_risk": [0.25, 0.5, None, 0.75],
        "churn_band": ["low", "high", None, "hi,gh"],
        "stage": ["new", None, None, "lapsed"],
        "last_order_at": pa.array([datetime(2025, 1, 2, 3, 4, 5, 6, tzinfo=UTC)] * 4, pa.timestamp("us", "UTC")),
        "next_order_expected": [date(2025, 7, 1)] * 4,
        "recommended_items": [["x", "y"], ["=1"], None, []],
    }
    return ServedTable(pa.table(columns | more), "customer_id")


def rows(
    form_name: str, addresses: pa.Table | None = ADDRESSES, columns: list[str] | None = None
) -> list[dict[str, str]]:
    table, form = customers(), CONTACT_FORMATS[form_name]
    reached = contacts(form, table, table.find((), ()).positions, addresses)
    content = b"".join(contact_chunks(form, table, reached, columns or useful_columns(table))).decode()
    return list(csv.DictReader(io.StringIO(content, newline="")))


def test_klaviyo_takes_whoever_has_an_address_or_an_id() -> None:
    found = rows("klaviyo")
    assert [(row["Email Address"], row["External ID"]) for row in found] == [
        ("ann@shop.example", "a"),
        ("", "b"),
        ("c@shop.example", "c@shop.example"),
    ]
    assert next(iter(found[0])) == "Email Address"
    assert found[0]["Churn Risk"] == "0.5"
    assert found[0]["Last Order At"] == "2025-01-02 03:04:05+00:00"
    assert found[0]["Next Order Expected"] == "2025-07-01"
    assert [row["Recommended Items"] for row in found] == ['["=1"]', "", "[]"]


def test_mailchimp_takes_whoever_has_an_address() -> None:
    found = rows("mailchimp")
    assert [row["Email Address"] for row in found] == ["ann@shop.example", "c@shop.example"]
    assert [row["Tags"] for row in found] == ["Churn Band: high", "Churn Band: hi gh, Stage: lapsed"]
    assert found[0]["Last Order At"] == "2025-01-02"
    assert [row["Recommended Items"] for row in found] == ["'=1", ""]
    assert len(found[0]) <= 30


def test_a_contact_without_a_tag_is_a_line_like_any_other() -> None:
    said = pa.table({"customer_id": ["a", "b"], "email": ["a@shop.example", "b@shop.example"]})
    assert [row["Tags"] for row in rows("mailchimp", said)] == [
        "Churn Band: high",
        "",
        "Churn Band: hi gh, Stage: lapsed",
    ]


def test_an_address_that_was_said_goes_before_an_id_that_is_one() -> None:
    said = pa.table({"customer_id": ["c@shop.example"], "email": ["new@shop.example"]})
    assert [row["Email Address"] for row in rows("mailchimp", said)] == ["new@shop.example"]


def test_who_shares_an_address_is_written_to_once() -> None:
    shared = pa.table({"customer_id": ["a", "b"], "email": ["c@Shop.example", "C@shop.example"]})
    assert [row["External ID"] for row in rows("mailchimp", shared)] == ["a"]
    table = customers()
    assert contacts(KLAVIYO, table, table.find((), ()).positions, shared).left_out == 3
    apart = pa.table({"customer_id": ["a", "b"], "email": ["a@shop.example", "b@shop.example"]})  # the control
    assert [row["External ID"] for row in rows("mailchimp", apart)] == ["a", "b", "c@shop.example"]


def test_without_addresses_only_ids_that_are_one_are_known() -> None:
    assert [row["Email Address"] for row in rows("mailchimp", None)] == ["c@shop.example"]
    assert [row["Email Address"] for row in rows("klaviyo", None)] == ["", "", "c@shop.example"]


def test_columns_that_are_asked_for_are_given_and_no_others() -> None:
    assert list(rows("klaviyo", columns=["stage", "customer_id"])[0]) == ["Email Address", "External ID", "Stage"]


def test_who_is_left_out_is_counted() -> None:
    table = customers()
    everybody = table.find((), ()).positions
    assert contacts(KLAVIYO, table, everybody, ADDRESSES).left_out == 1
    assert contacts(MAILCHIMP, table, everybody, ADDRESSES).left_out == 2
    assert len(contacts(MAILCHIMP, table, everybody, ADDRESSES).first(1).positions) == 1


def test_only_a_yes_allows_marketing() -> None:
    assert customers().find((allowed(customers()),), ()).positions.tolist() == [0, 1]
    bare = ServedTable(pa.table({"customer_id": ["a", "b"]}), "customer_id")
    assert bare.find((allowed(bare),), ()).total == 0
    assert bare.find((Filter("customer_id", "in", ("a",)),), ()).total == 1  # the control


def test_where_nobody_can_be_reached_it_says_why() -> None:
    assert why_no_contacts(MAILCHIMP, 0) is None
    said = why_no_contacts(MAILCHIMP, 1200) or ""
    assert "1,200 customers" in said
    assert "shopkeeper customers --format mailchimp" in said


@given(st.text(alphabet="ab=+-@.;,'\" \t＝\n", max_size=12))
@settings(max_examples=300, deadline=None)
def test_no_contact_starts_a_formula(text: str) -> None:
    table = ServedTable(pa.table({"customer_id": [text], "stage": [text], "churn_band": [text]}), "customer_id")
    for form in CONTACT_FORMATS.values():
        reached = contacts(form, table, table.find((), ()).positions)
        content = b"".join(contact_chunks(form, table, reached, ["stage"])).decode()
        for row in csv.reader(io.StringIO(content, newline="")):
            assert not [cell for cell in row if cell.lstrip(' \t\n\r"').startswith(tuple("=+-@＝"))]


@pytest.mark.parametrize("email", ["a@b.example", "o'brien+x@mail.shop.example", "_x@b.co"])
def test_addresses(email: str) -> None:
    assert rows("mailchimp", pa.table({"customer_id": ["a"], "email": [email]}))[0]["Email Address"] == email


@pytest.mark.parametrize(
    "email", ["", "a", "@b.example", "a@b", "=a@b.example", "a b@c.example", "a@b.example;=1", "+a@b.co"]
)
def test_what_is_no_address(email: str) -> None:
    found = rows("mailchimp", pa.table({"customer_id": ["a"], "email": [email]}))
    assert [row["External ID"] for row in found] == ["c@shop.example"]
