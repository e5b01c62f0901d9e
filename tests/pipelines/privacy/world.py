"""A home in which every store holds something of one person, and of others."""

import shutil
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import msgspec
import orjson
import pyarrow as pa

from contracts.bundle import Replay
from contracts.logs.events import LogRecord, open_event_log
from contracts.privacy.erasable import Person
from contracts.settings import Settings
from pipelines.campaigns.holdout import assign_holdout
from pipelines.families.family import FittedFamily
from pipelines.training.challengers import ChallengerStore
from recsys.files import write_recommender
from tests.pipelines.training.test_challengers import CHALLENGER
from tests.pipelines.wire import bought, consent, ingest_events, settings_in, wire
from tests.serving.shop import CUSTOMERS, publish_shop, shop_recommender

ADA = "customer-07"  # of the shop's bundle
DEVICE, MAIL = "device-of-ada-7f3a", "ada.lovelace@example.org"
SHARED = "device-of-the-family-19c2"  # hers first; then somebody else signs in on it
NEEDLES = [ADA, DEVICE, MAIL, SHARED]
VERSION = "20250601T000000000Z"
PERSON = Person(frozenset({ADA, DEVICE, MAIL}), datetime(2030, 1, 1, tzinfo=UTC))
AGREES = consent(marketing=True)

EVENTS: list[dict[str, Any] | bytes] = [
    wire("p1", at=0, anonymousId=DEVICE),
    wire("i1", at=1, type="identify", userId=ADA, anonymousId=DEVICE, traits={"email": MAIL}, context=AGREES),
    wire("p2", at=1, userId=ADA, anonymousId=SHARED),
    wire("p3", at=2, userId=CUSTOMERS[8], anonymousId=SHARED, context=AGREES),
    wire("s1", at=2, userId=ADA, context=consent(analytics=False)),
    *(bought(f"o-{name}", name, {"tea": 5.0}, at=3, context=AGREES) for name in CUSTOMERS),
    {"type": "track", "event": "Danced", "userId": ADA, "messageId": "q1"},
    b'{"type": "track", "userId": "' + ADA.encode() + b'", "broken',
    b'{"type": "track", "event": "Danced", "userId": "customer-08"}',
]


def log_records(*events: dict[str, Any]) -> list[LogRecord]:
    now = datetime.now(UTC)
    return [LogRecord(f"api:{event['messageId']}", orjson.dumps(event), now, "api:web") for event in events]


def store_in_log(settings: Settings, *events: dict[str, Any]) -> None:
    log = open_event_log(settings.events_url)
    log.append(log_records(*events))
    log.close()


def world(home: Path) -> Settings:
    """A copy of the home; the event log has records that ingest has not read."""
    shutil.copytree(_made(), home, dirs_exist_ok=True)
    settings = settings_in(home)
    store_in_log(
        settings,
        wire("l1", at=4, userId=ADA, anonymousId="device-of-ada-new-55d0"),
        wire("l2", at=4, userId=CUSTOMERS[9]),
    )
    return settings


@cache
def _made() -> Path:
    home = Path(mkdtemp(prefix="privacy-")) / "home"
    ingest_events(home, *EVENTS)
    (home / "events.jsonl").unlink()
    settings = settings_in(home)
    publish_shop(settings, "20250501T000000000Z")
    publish_shop(settings, VERSION)
    table = pa.table({"customer_id": CUSTOMERS, "churn_risk": [0.5] * len(CUSTOMERS)})

    def write_files(folder: Path) -> None:
        write_recommender(folder, shop_recommender())

    replays = [Replay("customer", {"customer_id": name}, {"churn_risk": 0.5}) for name in (ADA, CUSTOMERS[1])]
    challenger = msgspec.structs.replace(CHALLENGER, replays=replays)
    ChallengerStore(settings.candidates_path).save(challenger, FittedFamily(write_files, table), table)
    assign_holdout(settings, "spring", 0.5)
    (home / "mlartifacts" / "run").mkdir(parents=True)
    (home / "mlartifacts" / "run" / "details.json").write_text(f'{{"worst": "{ADA}"}}')
    (home / "mlartifacts" / "run" / "figures.json").write_text('{"auc": 0.5}')
    return home
