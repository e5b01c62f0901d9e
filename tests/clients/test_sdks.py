"""The SDKs of Segment and RudderStack against the service: an answer is lost, a rate limit is met, nothing is lost.

All clients run at once, since each of them waits for most of its time.
"""

import json
import time
from base64 import b64encode
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from contracts import columns as c
from contracts.logs.events import open_event_log
from contracts.settings import Settings
from pipelines.ingest.ingest import ingest
from pipelines.ingest.report import Counts
from pipelines.warehouse.schemas import PERSON_ID
from pipelines.warehouse.warehouse import open_warehouse
from serving import app
from serving.app import create_app
from serving.security.api_keys import EVENTS_SERVER, EVENTS_WRITE, create_key
from tests.clients.programs import HERE, missing_part, pages, requires, started
from tests.clients.proxy import ForgetfulProxy
from tests.clients.standing_clock import StandingLimit
from tests.serving.running import running

SCRIPTS = sorted(path.name for path in (HERE / "scripts").iterdir() if "beacon" not in path.name)
VIEWS = 20
EVENTS = VIEWS + 5  # identify, track, page, alias, group
EVENTS_PER_SECOND = 2  # and so 20 at once, fewer than each client sends
LONGEST_SECONDS = 90.0


@dataclass(frozen=True)
class Outcome:
    """What the service has of all clients when they have ended."""

    rows: list[dict[str, Any]]
    identity: dict[str, str]
    counts: Counts
    statuses: dict[str, list[int]]  # that each client was answered, by its script
    logs: dict[str, str]

    def of(self, script: str, event_type: str) -> list[dict[str, Any]]:
        name = Path(script).stem
        return [row for row in self.rows if row[c.TYPE] == event_type and _sender(row) == name]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    home = tmp_path_factory.mktemp("clients")
    scripts = [script for script in SCRIPTS if missing_part(script) is None]
    with pages() as origin:
        settings = Settings(home=home, cors_origins=[origin], events_per_second=EVENTS_PER_SECOND)
        keys = {script: create_key(settings.keys_path, Path(script).stem, [_scope(script)])[1] for script in scripts}
        proxy = ForgetfulProxy(create_app(settings))
        headers = {key.split("_")[1]: _basic(key) for key in keys.values()}
        limit = partial(StandingLimit, lambda key_id: 429 in proxy.statuses[headers[key_id]])
        with (
            patch.object(app, "RateLimit", limit),
            running(settings, proxy) as address,  # type: ignore[arg-type]
            ExitStack() as programs,
        ):
            ending = []
            for script in scripts:
                arguments = [address, keys[script], Path(script).stem, str(VIEWS)]
                profile = home / f"profile-{Path(script).stem}"
                program = programs.enter_context(started(script, arguments, origin, profile))
                if not script.endswith(".html"):  # a page stays open
                    ending.append(program)
            _wait_for(settings, EVENTS * len(scripts))
            assert [program.wait(LONGEST_SECONDS) for program in ending] == [0] * len(ending)
    logs = {script: (home / f"{script}.log").read_text(errors="replace") for script in scripts}
    statuses = {script: proxy.statuses[_basic(key)] for script, key in keys.items()}
    return _ingested(settings, statuses, logs)


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_event_arrives_once(outcome: Outcome, script: str) -> None:
    requires(script)
    name = Path(script).stem
    print(outcome.logs[script])  # noqa: T201
    found = {kind: len(outcome.of(script, kind)) for kind in ("identify", "page", "alias", "track")}
    assert found == {"identify": 1, "page": 1, "alias": 1, "track": VIEWS + 1}
    (order,) = [row for row in outcome.of(script, "track") if row[c.EVENT] == "Order Completed"]
    assert (order[c.ORDER_ID], order[c.CURRENCY], order[c.ITEM_ID]) == (f"{name}-order", "EUR", "tea")
    assert (order[c.QUANTITY], order[c.PRICE]) == (2.0, 4.5)
    assert order[c.USER_ID] == f"{name}-user"
    assert abs((order[c.OCCURRED_AT] - order[c.RECEIVED_AT]).total_seconds()) < LONGEST_SECONDS
    (identify,) = outcome.of(script, "identify")
    assert json.loads(identify[c.TRAITS])["email"] == f"{name}@example.com"
    (page,) = outcome.of(script, "page")
    assert page[c.PAGE_PATH] == "/home"
    views_of_items = {row[c.ITEM_ID] for row in outcome.of(script, "track") if row[c.EVENT] == "Product Viewed"}
    assert views_of_items == {f"tea-{view}" for view in range(VIEWS)}


@pytest.mark.parametrize("script", SCRIPTS)
def test_it_was_sent_again_after_a_lost_answer_and_waited_at_the_rate_limit(outcome: Outcome, script: str) -> None:
    requires(script)
    statuses = outcome.statuses[script]
    assert statuses[0] == 502
    assert 429 in statuses
    assert set(statuses) == {502, 429, 200}


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_device_and_the_earlier_id_belong_to_the_customer(outcome: Outcome, script: str) -> None:
    requires(script)
    name = Path(script).stem
    customers = {outcome.identity[each] for each in (f"{name}-user", f"{name}-device", f"{name}-old")}
    assert len(customers) == 1


def test_with_a_wrong_key_an_sdk_does_not_send_again(tmp_path: Path) -> None:
    scripts = [script for script in SCRIPTS if not script.endswith(".html") and missing_part(script) is None]
    settings = Settings(home=tmp_path)
    create_key(settings.keys_path, "another", [EVENTS_SERVER])
    proxy = ForgetfulProxy(create_app(settings))
    with running(settings, proxy) as address, ExitStack() as programs:  # type: ignore[arg-type]
        ending = [
            programs.enter_context(started(script, [address, script, "thief", "0"], "", tmp_path / script))
            for script in scripts
        ]
        for program in ending:
            program.wait(LONGEST_SECONDS)
    assert {script: proxy.statuses[_basic(script)] for script in scripts} == {key: [502, 401] for key in scripts}


def test_every_event_is_accounted_for(outcome: Outcome) -> None:
    clients, counts = len(outcome.statuses), outcome.counts
    assert counts.quarantined == Counter(unused_type=clients)  # the group events, which nothing reads
    assert counts.stored == clients * (EVENTS - 1)
    assert counts.duplicate >= clients  # what followed the lost answers
    assert counts.received == counts.stored + counts.duplicate + clients


def _scope(script: str) -> str:
    return EVENTS_WRITE if script.endswith(".html") else EVENTS_SERVER


def _basic(key: str) -> str:
    return f"Basic {b64encode(f'{key}:'.encode()).decode()}"


def _sender(row: dict[str, Any]) -> str:
    return str(row[c.SOURCE]).partition(":")[2]


def _wait_for(settings: Settings, events: int) -> None:
    end = time.monotonic() + LONGEST_SECONDS
    log = open_event_log(settings.events_url)
    while len(log.read(0, 100_000)) < events and time.monotonic() < end:
        time.sleep(0.2)
    log.close()


def _ingested(settings: Settings, statuses: dict[str, list[int]], logs: dict[str, str]) -> Outcome:
    counts = ingest(settings).total
    warehouse = open_warehouse(settings)
    rows = warehouse.lines().to_pyarrow().to_pylist()  # as stored: a page's order counts only where no server tells any
    map_rows = warehouse.identity_map().to_pyarrow().to_pylist()
    identity = {row[PERSON_ID].removeprefix("anonymous:"): row[c.CUSTOMER_ID] for row in map_rows}
    return Outcome(rows, identity, counts, statuses, logs)
