"""`shopkeeper audit`: reads the published bundle, shows groups, and fails only where it is asked to."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner

from contracts.bundle import CUSTOMERS_TABLE
from contracts.errors import NoBundle
from shopkeeper.commands.audit import audit
from tests.bare_bundles import publish_tables

COUNT = 600


def customers(french_risk: float) -> pa.Table:
    """Every third customer is French; the others' risk is one half."""
    is_french = np.arange(COUNT) % 3 == 0
    return pa.table(
        {
            "customer_id": [f"customer-{number:03d}" for number in range(COUNT)],
            "orders": [2] * COUNT,
            "country": np.where(is_french, "FR", "DE"),
            "churn_risk": np.where(is_french, french_risk, 0.5),
        }
    )


def run(home: Path, *arguments: str) -> Any:
    app = typer.Typer()
    app.command()(audit)
    return CliRunner().invoke(app, list(arguments), env={"SHOPKEEPER_HOME": str(home), "COLUMNS": "160"})


def test_groups_and_warnings_are_shown_and_are_information(tmp_path: Path) -> None:
    publish_tables(tmp_path, {CUSTOMERS_TABLE: customers(0.2)})
    shown = run(tmp_path)
    assert shown.exit_code == 0
    assert "By region" in shown.stdout
    assert "bundle v1" in shown.stdout
    assert "fewer than 30 customers, or no data" in " ".join(shown.stdout.split())
    assert "warning: region FR: mean churn risk 20.0% against 40.0% overall" in " ".join(shown.stdout.split())


@pytest.mark.parametrize(("french_risk", "status"), [(0.2, 1), (0.5, 0)])
def test_strict_fails_where_there_is_a_warning(tmp_path: Path, french_risk: float, status: int) -> None:
    publish_tables(tmp_path, {CUSTOMERS_TABLE: customers(french_risk)})
    shown = run(tmp_path, "--strict")
    assert shown.exit_code == status
    assert ("No group differs" in shown.stdout) == (status == 0)


def test_json_holds_all_of_it_and_the_backtest_of_the_bundle(tmp_path: Path) -> None:
    table = customers(0.5)
    outcome = pa.array(np.arange(COUNT) % 2)
    backtest = table.select(["customer_id", "churn_risk", "orders"]).append_column("churn_outcome", outcome)
    publish_tables(tmp_path, {CUSTOMERS_TABLE: table, "churn/backtest.arrow": backtest})
    found = json.loads(run(tmp_path, "--json", "--minimum-cell", "50").stdout)
    assert found["bundle_version"] == "v1"
    assert found["minimum_cell"] == 50
    assert [cell["group"] for cell in found["groupings"]["region"]] == ["DE", "FR"]
    assert found["overall"]["actual"] == 0.5
    assert found["gaps"] == []


def test_a_bundle_without_customers_says_what_to_do(tmp_path: Path) -> None:
    publish_tables(tmp_path, {"tables/items.arrow": pa.table({"item_id": ["tea"]})})
    assert isinstance(run(tmp_path).exception, NoBundle)


def test_help_shows_an_example(tmp_path: Path) -> None:
    assert "shopkeeper audit --minimum-cell" in run(tmp_path, "--help").stdout
