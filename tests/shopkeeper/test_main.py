"""The command: every subcommand has help with an example, and our errors become one message and exit status 1."""

import re
import sys

import pytest
from typer.testing import CliRunner

from shopkeeper.main import app, run

COMMANDS = [command.callback.__name__ for command in app.registered_commands if command.callback]


def test_every_command_is_listed_in_the_help() -> None:
    listed = CliRunner().invoke(app, ["--help"]).output
    assert {"train", "publish", "serve", "customers", "forecast", "status"} <= set(COMMANDS)
    assert [name for name in COMMANDS if not re.search(rf"\b{name}\b", listed)] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_an_example(command: str) -> None:
    shown = CliRunner().invoke(app, [command, "--help"])
    assert shown.exit_code == 0
    assert re.search(r"Examples?:", shown.output)


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
