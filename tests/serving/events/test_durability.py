"""kill -9: every event that was confirmed is in the log. (It cannot show a missing fsync; the log's own tests do.)"""

import multiprocessing
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

import apsw
import httpx
import pytest
import uvicorn

from contracts.logs.events import open_event_log
from tests.serving.conftest import shop_settings
from tests.serving.running import running

SENDERS = 4
BATCH = 20
# Forked from a process that has imported the service once: starting one takes seconds otherwise.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["serving.app"])


def confirmed_and_stored(home: Path, factory: str) -> tuple[set[str], set[str]]:
    """Send from several threads, kill the service in the middle; the confirmed ids, and those in the log."""
    settings, keys = shop_settings(home)
    port = free_port()
    service = PROCESSES.Process(target=serve, args=(factory, port, str(home)))
    service.start()
    confirmed: set[str] = set()
    try:
        wait_until_alive(port, service)
        senders = [
            threading.Thread(target=send_until_it_dies, args=(port, keys["events"], n, confirmed))
            for n in range(SENDERS)
        ]
        for sender in senders:
            sender.start()
        while len(confirmed) < 10 * BATCH:
            assert any(sender.is_alive() for sender in senders), "every sender gave up"
            time.sleep(0.01)
        service.kill()
        for sender in senders:
            sender.join()
    finally:
        service.kill()
        service.join()
    log = open_event_log(settings.events_url)
    records = log.read(0, 1_000_000)
    log.close()
    return confirmed, {found.record.key.removeprefix("api:") for found in records}


def send_until_it_dies(port: int, key: str, number: int, confirmed: set[str]) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"X-API-Key": key}, verify=False) as client:
        for turn in range(10_000):
            ids = [f"sender-{number}-{turn}-{place}" for place in range(BATCH)]
            batch = [{"type": "page", "anonymousId": "visitor", "messageId": message_id} for message_id in ids]
            try:
                answer = client.post("/v1/batch", json={"batch": batch})
            except httpx.HTTPError:
                return
            assert answer.json()["accepted"] == BATCH
            confirmed.update(ids)


def serve(factory: str, port: int, home: str) -> None:
    """What the process that will be killed does."""
    os.environ["SHOPKEEPER_HOME"] = home
    uvicorn.run(factory, factory=True, port=port, ws="none", log_level="error")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_alive(port: int, service: Any) -> None:
    while True:
        assert service.is_alive(), "the service did not start"
        try:
            httpx.get(f"http://127.0.0.1:{port}/health", verify=False)
            return
        except httpx.TransportError:
            time.sleep(0.05)


def test_every_confirmed_event_survives_a_kill(tmp_path: Path) -> None:
    confirmed, stored = confirmed_and_stored(tmp_path, "serving.app:from_environment")
    assert len(confirmed) >= 10 * BATCH
    assert confirmed <= stored


def test_a_service_that_confirms_too_early_is_caught(tmp_path: Path) -> None:
    confirmed, stored = confirmed_and_stored(tmp_path, "tests.serving.events.hasty:from_environment")
    assert not confirmed <= stored


@pytest.mark.parametrize("statement", ["DROP TABLE records", "DROP TABLE counts"])
def test_events_that_cannot_be_stored_are_503_and_never_200(tmp_path: Path, statement: str) -> None:
    settings, keys = shop_settings(tmp_path)
    with (
        running(settings) as url,
        httpx.Client(base_url=url, headers={"X-API-Key": keys["events"]}, verify=False) as client,
    ):
        assert client.post("/v1/page", json={"anonymousId": "a"}).status_code == 200
        connection = apsw.Connection(str(tmp_path / "events.sqlite"))
        connection.execute(statement)
        connection.close()
        answer = client.post("/v1/page", json={"anonymousId": "a"})
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert str(tmp_path) not in answer.text
        assert client.get("/health").status_code == 200
