"""Who people are and what they consent to, in the exports of shops and of e-mail tools."""

import json
from pathlib import Path
from typing import Any

import pytest

from contracts import columns as c
from pipelines.ingest.files import open_files
from pipelines.ingest.ingest import ingest
from pipelines.ingest.readers.formats.format import Terms
from tests.pipelines.ingest.readers.formats.written import export_text, header_of, variants
from tests.pipelines.wire import NOW, rows, settings_in, warehouse_in

Rows = list[dict[str, str]]
CANARY = "canary-7c1f"


def people(path: Path, content: bytes) -> list[tuple[Any, ...]]:
    """User id, e-mail address, country and consent to marketing of each person of a file."""
    path.write_bytes(content)
    ((_, export),) = open_files([path], None, None, Terms(NOW)).events
    found = [record for block in export.blocks for record in block]
    assert [record.refusal for record in found if record.refusal] == []
    return [_person(json.loads(record.raw)) for record in found]


def _person(event: dict[str, Any]) -> tuple[Any, ...]:
    assert event["type"] == "identify"
    context = event["context"]
    consent = context.get("consent", {}).get("categoryPreferences", {})
    return event["userId"], event["traits"].get("email"), context.get("location", {}).get("country"), consent


EXPORTS: dict[str, tuple[str, Rows, list[tuple[Any, ...]]]] = {
    "shopify_customers": (
        "customers_export.csv",
        [
            {"Customer ID": "'7210448301122", "Email": "Ann@example.com", "Accepts Email Marketing": "yes"}
            | {"Default Address Country Code": "DE", "Phone": "'+49"},
            {"Customer ID": "'7210448301123", "Accepts Email Marketing": "no"},
        ],
        [
            ("ann@example.com", "ann@example.com", "DE", {"marketing": True}),
            ("7210448301123", None, None, {"marketing": False}),
        ],
    ),
    "shopify_customers_before_2024": (
        "customers_export.csv",
        [{"Email": "ann@example.com", "Country Code": "DE"}],
        [("ann@example.com", "ann@example.com", "DE", {})],
    ),
    "woocommerce_customers": (
        "x.csv",
        [{"Email": "ann@example.com", "Country / Region": "DE", "Sign Up": ""}],
        [("ann@example.com", "ann@example.com", "DE", {})],
    ),
    "magento_customers": (
        "x.csv",
        [{"email": "ann@example.com", "password_hash": "secret"}],
        [("ann@example.com", "ann@example.com", None, {})],
    ),
    "mailchimp_audience": (
        "subscribed_email_audience_export_8.csv",
        [{"Email Address": "ann@example.com", "CC": "DE", "LAST_CHANGED": "2025-05-01 10:00:00"}],
        [("ann@example.com", "ann@example.com", "DE", {"marketing": True})],
    ),
    "mailchimp_unsubscribed": (
        "unsubscribed_email_audience_export_8.csv",
        [{"Email Address": "ann@example.com", "UNSUB_TIME": "2025-05-01 10:00:00"}],
        [("ann@example.com", "ann@example.com", None, {"marketing": False})],
    ),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_people_and_their_consent(tmp_path: Path, name: str) -> None:
    file, written, expected = EXPORTS[name]
    for variant, content in variants(name, written).items():
        assert people(tmp_path / file, content) == expected, variant


def test_a_mailchimp_file_that_is_not_of_subscribers_states_no_consent(tmp_path: Path) -> None:
    _, written, _ = EXPORTS["mailchimp_audience"]
    ((*_, consent),) = people(tmp_path / "cleaned_1.csv", export_text("mailchimp_audience", written).encode())
    assert consent == {}


def test_klaviyo_tells_consent_in_words(tmp_path: Path) -> None:
    lines = "a@example.com,SUBSCRIBED\nb@example.com,UNSUBSCRIBED\nc@example.com,NEVER_SUBSCRIBED\n"
    found = people(tmp_path / "x.csv", f"Email,Email Marketing Consent\n{lines}".encode())
    assert [consent for *_, consent in found] == [{"marketing": True}, {"marketing": False}, {}]


EMAILS = {"shopify_customers": "Email", "magento_customers": "email", "mailchimp_audience": "Email Address"}


def test_nothing_personal_is_stored_that_nobody_needs(tmp_path: Path) -> None:
    needed = {*EMAILS.values(), "Accepts Email Marketing", "LAST_CHANGED", "Customer ID", "CC"}
    needed |= {"OPTIN_TIME", "CONFIRM_TIME", "Default Address Country Code"}
    files = []
    for name, email in EMAILS.items():
        row = {column: f"{CANARY} {column}" for column in header_of(name) if column not in needed}
        good = row | {email: f"ann@{name}.example"} | ({"LAST_CHANGED": "2025-05-01"} if "LEID" in row else {})
        files.append(tmp_path / f"{name}.csv")
        files[-1].write_text(export_text(name, [good, row]) + f"{CANARY},too few\n")
    report = ingest(settings_in(tmp_path), files, now=NOW)
    assert (report.total.stored, report.total.quarantined.total()) == (3, 6)  # those are kept with their reasons
    kept = str([*rows(warehouse_in(tmp_path).lines()), *rows(warehouse_in(tmp_path).quarantine(), c.RAW, c.CODE)])
    assert [name for name in EMAILS if f"ann@{name}.example" in kept] == list(EMAILS)
    assert CANARY not in kept
