"""`shopkeeper demo`: takes the next free port, and refuses a store that is too small. `make demo` runs all of it."""

import socket

import pytest
import typer
from typer.testing import CliRunner

from contracts.errors import InputError
from shopkeeper.commands.demo.demo import PORTS_TRIED, demo, free_port


def test_the_next_free_port_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert port < free_port(port) < port + PORTS_TRIED


def test_ports_that_are_all_taken_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(socket.socket):
        def bind(self, address: object) -> None:
            raise OSError("in use")

    monkeypatch.setattr(socket, "socket", Refusing)
    with pytest.raises(InputError, match="none of the ports 8000 to 8019"):
        free_port(8000)


def test_a_store_too_small_is_refused() -> None:
    app = typer.Typer()
    app.command()(demo)
    assert CliRunner().invoke(app, ["--events", "10"]).exit_code == 2
