"""The file of a campaign has addresses and what the bundle says."""

import csv
import io

import pyarrow as pa
import pytest

from contracts.errors import InputError
from serving.answers.exports.campaign_file import campaign_file

IDS = pa.chunked_array([["cy", "ann"]])
ADDRESSES = pa.table({"customer_id": ["ann"], "email": ["ann@example.com"]})
PUBLISHED = pa.table({"customer_id": ["ann", "bob"], "churn_risk": [0.5, 0.25], "recommended_items": [["tea"], None]})


def rows(form: str, addresses: pa.Table = ADDRESSES) -> tuple[list[dict[str, str]], int]:
    chunks, left_out = campaign_file(form, IDS, addresses, PUBLISHED)
    return list(csv.DictReader(io.StringIO(b"".join(chunks).decode(), newline=""))), left_out


def test_csv_has_everybody() -> None:
    found, left_out = rows("csv")
    assert found[0] == {
        "customer_id": "ann",
        "email": "ann@example.com",
        "churn_risk": "0.5",
        "recommended_items": "tea",
    }
    assert found[1] == {"customer_id": "cy", "email": "", "churn_risk": "", "recommended_items": ""}
    assert left_out == 0


def test_mailchimp_has_those_with_an_address() -> None:
    found, left_out = rows("mailchimp")
    assert [row["Email Address"] for row in found] == ["ann@example.com"]
    assert left_out == 1
    with pytest.raises(InputError, match="needs an e-mail address"):
        rows("mailchimp", ADDRESSES.slice(1))
