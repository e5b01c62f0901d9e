"""Kill the service amid requests, again and again, and compare its event log with what the senders were told.

A kill cannot show a missing sync, since the system still writes what the process had handed over; strace does, in
`tests/contracts/logs/event_logs/test_disk.py`.
"""

import multiprocessing
import os
import random
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import uvicorn

from contracts.logs.events import open_event_log
from contracts.settings import Settings, load_settings
from serving.security.api_keys import EVENTS_WRITE, create_key

SERVICE: Final = "serving.app:from_environment"
SENDERS: Final = 4
BATCH: Final = 20
LEAST_CONFIRMED: Final = 5 * BATCH  # before the first moment of a kill
LONGEST_WAIT: Final = 0.3  # seconds more, at random
# Forked from a process that has imported the service once: starting one takes seconds otherwise.
PROCESSES: Final = multiprocessing.get_context("forkserver")


@dataclass
class Ledger:
    """What the senders were told: the ids of events that were confirmed, and how often the service was killed."""

    kills: int = 0
    confirmed: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class KillReport:
    """The ledger against the log."""

    kills: int
    confirmed: int
    stored: int
    lost: int  # confirmed, and not in the log
    doubled: int  # in the log more than once

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def kill_rounds(
    home: Path, rounds: int, factory: str = SERVICE, seed: int = 0, progress: Callable[[int], None] = lambda kills: None
) -> KillReport:
    """Start the service, send from several threads, kill it at a random moment; `rounds` times on the same log."""
    PROCESSES.set_forkserver_preload(["serving.app"])
    settings = load_settings(home=home)
    _, key = create_key(settings.keys_path, "events", [EVENTS_WRITE])
    ledger, chance = Ledger(), random.Random(seed)
    for number in range(rounds):
        _round(settings, key, number, factory, ledger, chance.uniform(0, LONGEST_WAIT))
        progress(ledger.kills)
    return _report(settings, ledger)


def _round(settings: Settings, key: str, number: int, factory: str, ledger: Ledger, wait: float) -> None:
    port = free_port()
    service = PROCESSES.Process(target=serve, args=(factory, port, str(settings.home)))
    service.start()
    before = len(ledger.confirmed)
    try:
        _wait_until_alive(port, service)
        senders = [
            threading.Thread(target=_send_until_it_dies, args=(port, key, f"{number}-{n}", ledger.confirmed))
            for n in range(SENDERS)
        ]
        for sender in senders:
            sender.start()
        while len(ledger.confirmed) - before < LEAST_CONFIRMED:
            if not any(sender.is_alive() for sender in senders):
                raise RuntimeError("every sender gave up: the service answers with errors")
            time.sleep(0.01)
        time.sleep(wait)
        service.kill()
        for sender in senders:
            sender.join()
        ledger.kills += 1
    finally:
        service.kill()
        service.join()


def _send_until_it_dies(port: int, key: str, name: str, confirmed: set[str]) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"X-API-Key": key}, verify=False) as client:
        for turn in range(10_000):
            ids = [f"{name}-{turn}-{place}" for place in range(BATCH)]
            batch = [{"type": "page", "anonymousId": "visitor", "messageId": message_id} for message_id in ids]
            try:
                answer = client.post("/v1/batch", json={"batch": batch})
            except httpx.HTTPError:
                return
            if answer.status_code == httpx.codes.OK:
                confirmed.update(ids)


def _report(settings: Settings, ledger: Ledger) -> KillReport:
    log = open_event_log(settings.events_url)
    cursor, stored = 0, []
    while block := log.read(cursor, 10_000):
        stored += [found.record.key.removeprefix("api:") for found in block]
        cursor = block[-1].cursor
    log.close()
    lost = len(ledger.confirmed - set(stored))
    return KillReport(ledger.kills, len(ledger.confirmed), len(stored), lost, len(stored) - len(set(stored)))


def serve(factory: str, port: int, home: str) -> None:
    """What the process that will be killed does."""
    os.environ["SHOPKEEPER_HOME"] = home
    uvicorn.run(factory, factory=True, port=port, ws="none", log_level="error")


def free_port() -> int:
    """A port of loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_alive(port: int, service: Any) -> None:
    while True:
        if not service.is_alive():
            raise RuntimeError("the service did not start")
        try:
            httpx.get(f"http://127.0.0.1:{port}/health", verify=False)
            return
        except httpx.TransportError:
            time.sleep(0.05)
