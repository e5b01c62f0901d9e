"""The command: its help, lazy imports, and our errors as one message and exit status 1."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.bundle import FORMAT_VERSION
from shopkeeper.main import COMMANDS, app, help_text, run
from tests.pipelines.wire import bought, ingest_events

NAMES = [name for section in COMMANDS.values() for name in section]
ENGINES = {"duckdb", "fastapi", "ibis", "lightgbm", "mlflow", "numba", "pandas", "scipy", "sklearn", "statsforecast"}
PROGRAM = """
import json, sys
from shopkeeper.main import run
sys.argv = ["shopkeeper", *sys.argv[1:]]
try:
    run()
except SystemExit as ended:
    assert not ended.code, ended.code
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def imported_by(*arguments: str, home: Path) -> set[str]:
    """The packages that a call of the command imports."""
    environment = os.environ | {"SHOPKEEPER_HOME": str(home)}
    command = [sys.executable, "-S", "-c", PROGRAM, *arguments]
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)  # without .pth files of others
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_every_command_is_listed_in_the_help_within_eighty_columns() -> None:
    listed = CliRunner().invoke(app, ["--help"]).output
    assert {"train", "publish", "serve", "customers", "forecast", "status"} <= set(NAMES)
    assert [name for name in NAMES if not re.search(rf"^  {name}\b", listed, re.MULTILINE)] == []
    assert [line for line in help_text().splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("command", [name for name in NAMES if name != "keys"])
def test_every_command_shows_an_example(command: str) -> None:
    shown = CliRunner().invoke(app, [command, "--help"])
    assert shown.exit_code == 0
    assert re.search(r"Examples?:", shown.output)


def test_a_mistyped_command_is_suggested() -> None:
    done = CliRunner().invoke(app, ["custmers"])
    assert done.exit_code == 2
    assert "'customers'" in done.output


def test_the_version_names_what_decides_whether_a_bundle_can_be_read() -> None:
    shown = CliRunner().invoke(app, ["--version"]).output
    assert re.fullmatch(rf"shopkeeper \d+\.\d+\.\d+, Python 3\.\d+\.\d+, bundle format {FORMAT_VERSION}\n", shown)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]], ids=" ".join)
def test_help_and_version_import_nothing_that_is_slow(arguments: list[str], tmp_path: Path) -> None:
    loaded = imported_by(*arguments, home=tmp_path)
    assert "typer" in loaded
    assert loaded & (ENGINES | {"numpy", "pyarrow", "pydantic", "rich"}) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"],
        ["keys", "list"],
        ["train", "--help"],
        ["customers", "--help"],
        ["simulate", "--help"],
        ["demo", "--help"],
    ],
    ids=" ".join,
)
def test_neither_status_nor_a_commands_help_imports_an_engine(arguments: list[str], tmp_path: Path) -> None:
    loaded = imported_by(*arguments, home=tmp_path)
    assert "pydantic" in loaded
    assert loaded & ENGINES == set()


def test_status_of_a_store_with_events_imports_no_engine(tmp_path: Path) -> None:
    ingest_events(tmp_path, bought("o1", "ann", {"tea": 2.5}))
    assert imported_by("status", home=tmp_path) & ENGINES == set()


def test_an_error_of_ours_is_a_message_and_exit_status_1(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHOPKEEPER_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["shopkeeper", "publish"])
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 1
    shown = capsys.readouterr()
    assert "error: nothing to publish" in shown.err
    assert "Traceback" not in shown.err
