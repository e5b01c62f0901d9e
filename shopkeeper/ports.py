"""Whether a port can be listened on, told before a server starts."""

import errno
import socket

from contracts.errors import InputError


def require_free(host: str, port: int) -> None:
    """Raise InputError, saying what to do, where a server could not listen on the address."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise InputError(f"--host {host!r} is no address of this machine ({error}); 127.0.0.1 always is.") from None
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise InputError(_advice(host, port, error.errno)) from None


def _advice(host: str, port: int, number: int | None) -> str:
    if number == errno.EADDRINUSE:
        return (
            f"port {port} on {host} is in use, perhaps by another Shopkeeper. Stop that program, or choose another "
            f"port: --port {port + 1 if port < 65535 else port - 1}."
        )
    if number == errno.EACCES:
        return f"port {port} needs root's rights. Choose one from 1024 on, such as --port 8000, behind a proxy."
    if number == errno.EADDRNOTAVAIL:
        return f"--host {host!r} is no address of this machine. 127.0.0.1 is; 0.0.0.0 stands for all of them."
    return f"port {port} on {host} cannot be used. Choose another with --port."
