"""The service in this process, on a socket of its own."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from contracts.settings import Settings
from serving.app import create_app


@contextmanager
def running(settings: Settings, app: FastAPI | None = None) -> Iterator[str]:
    """Run the service, or a given form of it, in a thread; gives its address."""
    served = app or create_app(settings)
    config = uvicorn.Config(served, host="127.0.0.1", port=0, ws="none", access_log=False, log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the service did not start"
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
