"""`shopkeeper customers`: forms, files, who is in them, and what is said of who is not."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import Result
from typer.testing import CliRunner

from contracts import columns as c
from contracts.bundle import CUSTOMERS_TABLE
from contracts.campaigns import HELD_OUT
from contracts.errors import InputError, NoBundle
from shopkeeper.display.customers import printable
from shopkeeper.main import app
from tests.bare_bundles import publish_tables
from tests.pipelines.wire import consent, ingest_events, wire

AS_OF = datetime(2025, 6, 1, tzinfo=UTC)
IDS = ["ann", "bob", "cy", "di", "eve", "[red]fay[/]\x1b[2J"]
FULL = {
    "orders": [5, 4, 3, 2, 1, 0],
    "revenue": [50.0, 40.0, 30.0, 20.0, 10.0, 0.0],
    "last_order_at": pa.array([AS_OF] * 5 + [None], pa.timestamp("us", "UTC")),
    "consent_marketing": [True, True, True, False, None, None],
    "churn_risk": [0.625, 0.75, 0.9, 0.7, 0.1, None],
    "churn_risk_low": [0.5, 0.5, 0.5, 0.5, 0.0, None],
    "churn_risk_high": [0.875, 0.9, 1.0, 0.9, 0.2, None],
    "churn_band": ["high", "medium", "high", "high", "low", None],
    "churn_reason_1": ["=late"] * 5 + [None],
    "expected_value_90d": [100.0, 200.0, 300.0, 400.0, 500.0, None],
    "value_at_risk": [62.5, 150.0, 270.0, 280.0, 50.0, None],
    "next_order_expected": [date(2025, 7, 2)] * 6,
    "stage": ["cooling", None, "lapsed", "active", "active", "prospect"],
    "recommended_items": [["tea-1", "tea-2"]] * 6,
}
Run = Callable[..., Result]


def publish(home: Path, columns: dict[str, Any]) -> None:
    table = pa.table({"customer_id": IDS, **columns}).sort_by("customer_id")
    publish_tables(home, {CUSTOMERS_TABLE: table})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    publish(tmp_path, FULL)
    return tmp_path


def run(home: Path, *arguments: str) -> Result:
    environment = {"SHOPKEEPER_HOME": str(home), "COLUMNS": "250"}
    result = CliRunner().invoke(app, ["customers", *arguments], env=environment)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def ids(result: Result, column: str = "customer_id") -> list[str]:
    return [row[column] for row in csv.DictReader(io.StringIO(result.stdout, newline=""))]


def test_the_table_shows_what_a_marketer_looks_at_first(home: Path) -> None:
    shown = run(home).stdout
    assert "62 % (50–88) high" in shown
    assert "2025-07-02" in shown
    assert "=late" in shown
    lines = shown.partition("──\n")[2].splitlines()
    assert [line.split()[0] for line in lines][:3] == ["di", "cy", "bob"]


def test_what_comes_from_outside_does_not_steer_the_terminal(home: Path) -> None:
    assert "[red]fay[/]�[2J" in run(home).stdout
    assert "\x1b" not in run(home, "--columns", "customer_id").stdout
    assert printable("a\x07\u202eb") == "a��b"


@pytest.mark.parametrize("columns", [{}, {"orders": FULL["orders"]}, {"churn_risk": FULL["churn_risk"]}])
def test_every_column_may_be_missing(tmp_path: Path, columns: dict[str, Any]) -> None:
    publish(tmp_path, columns)
    assert "6 customers" in run(tmp_path).stdout
    assert len(ids(run(tmp_path, "--csv"))) == 6
    assert json.loads(run(tmp_path, "--json").stdout)["total"] == 6


def test_the_churn_list_is_who_is_at_risk_and_has_not_long_left(home: Path) -> None:
    assert ids(run(home, "--at-risk", "--csv")) == ["di", "bob", "ann"]
    assert ids(run(home, "--at-risk", "--csv", "--sort", "-churn_risk", "--limit", "2")) == ["bob", "di"]


def test_the_churn_list_without_value_and_stage(tmp_path: Path) -> None:
    publish(tmp_path, {name: FULL[name] for name in ("churn_risk", "churn_band")})
    assert ids(run(tmp_path, "--at-risk", "--csv")) == ["cy", "bob", "di", "ann"]


def test_the_churn_list_needs_churn_risk(tmp_path: Path) -> None:
    publish(tmp_path, {"orders": FULL["orders"]})
    with pytest.raises(NoBundle, match="shopkeeper train churn"):
        run(tmp_path, "--at-risk")


def test_filters_columns_and_json(home: Path) -> None:
    options = ["--where", "orders:ge:4", "--sort", "orders", "--columns", "customer_id,recommended_items", "--json"]
    answer = json.loads(run(home, *options).stdout)
    assert answer["total"] == 2
    assert answer["rows"][0] == {"customer_id": "bob", "recommended_items": ["tea-1", "tea-2"]}
    with pytest.raises(InputError, match="no column 'age'"):
        run(home, "--columns", "age")


def test_no_cell_of_the_csv_starts_a_formula(home: Path) -> None:
    assert "'=late" in ids(run(home, "--format", "csv"), "churn_reason_1")


def test_a_file_is_written_whole_and_for_its_owner(home: Path) -> None:
    target = home / "list.parquet"
    target.write_text("before")
    run(home, "--format", "parquet", "--output", str(target))
    assert sorted(pq.read_table(target)["customer_id"].to_pylist()) == sorted(IDS)
    assert target.stat().st_mode & 0o777 == 0o600
    assert not list(home.glob(".list*"))
    with pytest.raises(InputError, match="folder that exists"):
        run(home, "--csv", "--output", str(home / "nowhere" / "list.csv"))
    with pytest.raises(InputError, match="--format"):
        run(home, "--output", str(home / "list.txt"))


def test_a_list_that_breaks_off_leaves_the_file_as_it_was(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        yield b"half"
        raise OSError("the disk is full")

    target = home / "list.csv"
    target.write_text("before")
    monkeypatch.setattr("serving.answers.tables.list_request.ListRequest.chunks", broken)
    with pytest.raises(OSError, match="disk is full"):
        run(home, "--csv", "--output", str(target))
    assert target.read_text() == "before"
    assert not list(home.glob(".list*"))


def addresses(home: Path, **more: Any) -> None:
    ingest_events(
        home,
        wire("a", 0, "identify", userId="ann", traits={"email": "ann@shop.example"}),
        wire("b", 0, "identify", userId="bob", traits={"email": "bob@shop.example"}, **more),
        wire("d", 0, "identify", userId="di", traits={"email": "di@shop.example"}),
    )


def test_marketing_lists_hold_who_agreed_and_say_who_did_not(home: Path) -> None:
    addresses(home)
    result = run(home, "--format", "mailchimp")
    assert ids(result, "Email Address") == ["bob@shop.example", "ann@shop.example"]
    assert "Left out: 3 customers without consent" in result.stderr
    assert "Left out: 1 customer without an address" in result.stderr
    assert ids(run(home, "--format", "klaviyo"), "External ID") == ["cy", "bob", "ann"]
    assert ids(run(home, "--csv", "--marketing")) == ["cy", "bob", "ann"]
    assert "di@shop.example" in run(home, "--format", "mailchimp", "--include-without-consent").stdout
    assert "shop.example" not in run(home, "--csv", "--marketing").stdout


def test_who_said_no_after_the_bundle_was_made_is_left_out(home: Path) -> None:
    addresses(home, context=consent(marketing=False))
    assert ids(run(home, "--format", "mailchimp"), "Email Address") == ["ann@shop.example"]
    assert ids(run(home, "--format", "klaviyo", "--limit", "2"), "External ID") == ["cy", "ann"]


def test_mailchimp_without_addresses_is_refused(home: Path) -> None:
    with pytest.raises(InputError, match="trait `email`"):
        run(home, "--format", "mailchimp")


def test_who_became_one_customer_since_the_bundle_was_made_is_written_to_once(home: Path) -> None:
    addresses(home)
    ingest_events(home, wire("m", 1, "alias", previousId="bob", userId="ann"))
    assert ids(run(home, "--format", "mailchimp"), "External ID") == ["bob"]  # the first of the two in the list


def test_a_no_of_who_became_another_customer_counts_for_both(home: Path) -> None:
    addresses(home)
    ingest_events(
        home,
        wire("m", 1, "alias", previousId="bob", userId="ann"),
        wire("n", 2, userId="ann", context=consent(marketing=False)),
    )
    assert ids(run(home, "--format", "klaviyo"), "External ID") == ["cy"]
    assert ids(run(home, "--csv", "--marketing")) == ["cy"]


def hold_out(home: Path, *customer_ids: str) -> None:
    folder = home / "campaigns"
    folder.mkdir()
    rows = [
        {"campaign": "spring", "customer_id": name, "arm": HELD_OUT, "assigned_at": datetime.now(UTC)}
        for name in customer_ids
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=c.CAMPAIGNS), folder / "spring.parquet")


@pytest.mark.parametrize("options", [["--format", "klaviyo"], ["--marketing", "--csv"]])
def test_lists_for_contact_leave_the_control_group_out(home: Path, options: list[str]) -> None:
    column = "External ID" if "klaviyo" in options else "customer_id"
    everybody = ids(run(home, *options), column)
    hold_out(home, "bob", "di")  # di did not agree to marketing
    without = run(home, *options)
    assert sorted(ids(without, column)) == sorted(set(everybody) - {"bob"})
    assert "Left out: 1 customer held out of a running campaign" in without.stderr
    assert "Left out: 3 customers without consent" in without.stderr
    assert ids(run(home, *options, "--include-held-out"), column) == everybody
    assert len(ids(run(home, "--csv"))) == 6  # no list for contact
