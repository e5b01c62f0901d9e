"""Every command on a home without anything, and every list without a row: a sentence that says what to do, no crash."""

from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from contracts import columns as c
from contracts.bundle import COHORTS_TABLE, CUSTOMERS_TABLE, FORECAST_FILE, ITEMS_TABLE, KPIS_TABLE
from contracts.errors import ShopkeeperError
from pipelines.families.names import FAMILY_NAMES
from shopkeeper.main import COMMANDS, app
from tests.bare_bundles import publish_tables

RUN_ON_NOTHING = [
    ["ingest"],
    ["mapping", "draft", "none.csv"],
    ["mapping", "formats"],
    ["privacy", "export", "ada"],
    ["privacy", "erase"],
    ["privacy", "erase", "ada", "--yes"],
    ["privacy", "verify", "none.json"],
    ["retrain"],
    ["keys", "list"],
    ["keys", "revoke", "web"],
    ["serve"],
    ["customers"],
    ["customers", "--at-risk"],
    ["items"],
    ["items", "--to-order"],
    ["forecast"],
    ["forecast", "P1"],
    ["forecast", "--by", "category"],
    ["kpis"],
    ["kpis", "--cohorts"],
    ["holdout", "spring"],
    ["holdout", "spring", "--results"],
    ["audit"],
    ["status"],
    ["bundles"],
    ["train"],
    ["train", "churn"],
    ["evaluate"],
    ["publish"],
    ["rollback"],
    ["parameters"],
]
DEMO_AND_UI = {"demo", "simulate", "mlflow"}  # they need no store


def run(home: Path, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, arguments, env={"SHOPKEEPER_HOME": str(home), "COLUMNS": "80"})
    if isinstance(done.exception, ShopkeeperError):
        return 1, str(done.exception)  # `run` prints it
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout


def test_every_command_is_tried() -> None:
    tried = {arguments[0] for arguments in RUN_ON_NOTHING} | DEMO_AND_UI
    assert tried == {name for section in COMMANDS.values() for name in section}


@pytest.mark.parametrize("arguments", RUN_ON_NOTHING, ids=" ".join)
def test_a_home_without_anything_gets_a_sentence(arguments: list[str], tmp_path: Path) -> None:
    code, text = run(tmp_path / "home", *arguments)
    assert code in (0, 1)
    assert text.strip()
    assert code == 0 or text.strip().endswith((".", "`"))


def empty(schema: dict[str, pa.DataType]) -> pa.Table:
    return pa.schema(list(schema.items())).empty_table()


@pytest.fixture(scope="module")
def nobody(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a store without customers, items, forecasts and new customers."""
    home = tmp_path_factory.mktemp("nobody")
    facts = {"as_of": "2025-06-01T00:00:00+00:00", "lapse_days": ""}
    kpis = {name: [0] for name in ("orders", "customers", "new_customers", "lapsed_customers")}
    kpis |= {name: [0.0] for name in ("revenue", "average_order_value", "churned_value")}
    month = pa.array([0], pa.int32()).cast(pa.date32())
    figures = pa.table({"month": month, "channel": ["all"], "is_complete": [True], "repeat_rate": [None], **kpis})
    figures = figures.append_column("revenue_per_customer", pa.array([None], pa.float64()))
    cohort = {"cohort_month": pa.date32(), "months_since": pa.int32(), "customers": pa.int64()}
    publish_tables(
        home,
        {
            CUSTOMERS_TABLE: empty({c.CUSTOMER_ID: pa.string(), c.CHURN_BAND: pa.string(), c.CHURN_RISK: pa.float64()}),
            ITEMS_TABLE: empty(
                {c.ITEM_ID: pa.string(), "inventory_alert": pa.string(), "order_quantity": pa.float64()}
            ),
            FORECAST_FILE: c.FORECAST.empty_table(),
            KPIS_TABLE: figures.replace_schema_metadata(facts),
            COHORTS_TABLE: empty({**cohort, "retention": pa.float64(), "is_complete": pa.bool_()}),
        },
    )
    return home


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["customers"], "0 customers"),
        (["customers", "--columns", "churn_risk"], "0 customers"),
        (["customers", "--format", "csv"], "customer_id"),
        (["items"], "0 items"),
        (["items", "--to-order"], "0 items to order today"),
        (["forecast"], "0 items to order today"),
        (["kpis", "--cohorts"], "No customer placed a first order in the last 12 months."),
        (["kpis", "--cohorts", "--json"], '"rows": []'),
        (["kpis"], "1970-01"),
        (["kpis", "--by", "channel"], "channel"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_list_without_rows_says_so(arguments: list[str], says: str, nobody: Path) -> None:
    code, text = run(nobody, *arguments)
    assert code == 0
    assert says in text


def test_the_names_of_the_families_are_in_the_help_of_train_and_in_the_makefile() -> None:
    code, text = run(Path("unused"), "train", "--help")
    assert code == 0
    assert [name for name in FAMILY_NAMES if name not in text] == []
    makefile = (Path(__file__).parents[3] / "Makefile").read_text()
    assert f"train one family: {', '.join(FAMILY_NAMES)}" in makefile
