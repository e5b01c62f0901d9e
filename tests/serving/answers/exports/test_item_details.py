"""What a mail shows of recommended items: names, addresses and pictures, in the order of the ids."""

import csv
import io
import json

import numpy as np
import pyarrow as pa

from serving.answers.exports.item_details import details_of, item_details
from serving.answers.exports.marketing import CONTACT_FORMATS, contact_chunks, contacts
from serving.answers.tables.table import ServedTable

ITEMS = ServedTable(
    pa.table(
        {
            "item_id": ["a", "b", "c"],
            "item_name": ["Tea", None, "Cup"],
            "attributes": [json.dumps({"link": "https://shop.example/a", "image_url": ""}), None, "{}"],
        }
    ),
    "item_id",
)


def test_only_what_the_catalogue_has_becomes_a_column() -> None:
    found = item_details(ITEMS)
    assert found == {
        "Recommended Names": {"a": "Tea", "c": "Cup"},
        "Recommended URLs": {"a": "https://shop.example/a"},
    }
    assert item_details(None) == {}
    assert item_details(ServedTable(pa.table({"item_id": ["a"]}), "item_id")) == {}


def test_texts_stand_in_the_order_of_the_ids() -> None:
    texts = {"a": "Tea", "c": "Cup"}
    assert list(details_of([["c", "b", "a"], None, []], texts)) == ['["Cup","","Tea"]', None, "[]"]


def test_klaviyo_gets_them_and_mailchimp_has_no_fields_left() -> None:
    table = ServedTable(pa.table({"customer_id": ["x@shop.example"], "recommended_items": [["c", "a"]]}), "customer_id")
    for name, expected in (("klaviyo", '["Cup","Tea"]'), ("mailchimp", None)):
        form = CONTACT_FORMATS[name]
        reached = contacts(form, table, np.array([0]))
        content = b"".join(contact_chunks(form, table, reached, ["recommended_items"], ITEMS)).decode()
        (row,) = csv.DictReader(io.StringIO(content, newline=""))
        assert row.get("Recommended Names") == expected
