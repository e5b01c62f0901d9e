"""A port that cannot be listened on is told before the server starts."""

import errno
import socket

import pytest

from contracts.errors import InputError
from shopkeeper.ports import require_free


def test_a_port_in_use_is_told_with_another_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        taken.listen()
        with pytest.raises(InputError, match=rf"port {port} on 127.0.0.1 is in use.*--port"):
            require_free("127.0.0.1", port)
    require_free("127.0.0.1", port)


@pytest.mark.parametrize(
    ("number", "says"),
    [(errno.EACCES, "from 1024 on"), (errno.EADDRNOTAVAIL, "0.0.0.0"), (errno.EIO, "cannot be used")],
)
def test_other_reasons_have_their_advice(number: int, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(socket.socket):
        def bind(self, address: object) -> None:
            raise OSError(number, "refused")

    monkeypatch.setattr(socket, "socket", Refusing)
    with pytest.raises(InputError, match=says):
        require_free("127.0.0.1", 80)


def test_a_host_that_does_not_exist_is_told() -> None:
    with pytest.raises(InputError, match="no address of this machine"):
        require_free("no-such-host.invalid", 8000)
