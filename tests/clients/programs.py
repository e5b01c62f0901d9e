"""How the tests start real clients: programs of Node.js and Python, and pages in a browser."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

import pytest

HERE = Path(__file__).parent
MIN_NODE = 20
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_BROWSER_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


@cache
def missing_part(script: str) -> str | None:
    """Why this script cannot run here; None where it can."""
    suffix = Path(script).suffix
    if suffix == ".py":
        module = script.partition("_")[0]
        return None if find_spec(module) else f"the SDK {module} is not installed; `make dev`"
    if suffix == ".html" and CHROMIUM is None:
        return "no Chromium here; `apt-get install chromium`"
    if script != "beacon.html" and not (HERE / "node_modules" / ".package-lock.json").is_file():  # written last
        return "the packages of npm are not installed; `make clients`"
    if suffix == ".mjs" and _node_version() < MIN_NODE:
        return f"no Node.js {MIN_NODE} or later here"
    return None


def requires(script: str) -> None:
    """Skip the test where the script cannot run."""
    if reason := missing_part(script):
        pytest.skip(reason)


@contextmanager
def pages() -> Iterator[str]:
    """Serve this folder on an origin of its own; its address."""
    handler = partial(_Quiet, directory=str(HERE))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def started(script: str, arguments: list[str], origin: str, profile: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a script with its arguments; pages get them behind the `#`, which no request contains."""
    path = HERE / "scripts" / script
    if path.suffix == ".html":
        assert CHROMIUM is not None
        address = f"{origin}/scripts/{script}#{'%20'.join(arguments)}"
        command = [CHROMIUM, *_BROWSER_FLAGS, f"--user-data-dir={profile}", "--remote-debugging-port=0", address]
    else:
        command = [sys.executable if path.suffix == ".py" else "node", str(path), *arguments]
    with (profile.parent / f"{script}.log").open("wb") as log:
        program = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            yield program
        finally:
            if program.poll() is None:
                os.killpg(program.pid, 9)  # a browser has children
            program.wait()


@cache
def _node_version() -> int:
    if shutil.which("node") is None:
        return 0
    return int(subprocess.check_output(["node", "--version"], text=True).strip("v\n").partition(".")[0])


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """No line per request."""
