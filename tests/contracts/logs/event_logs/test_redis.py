"""The event log in a stream of Redis: the suite, on a real server; kills, and servers that forget."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("redis")

from contracts.errors import EventLogError, SettingsError
from contracts.logs.event_logs.redis import RedisEventLog
from contracts.logs.events import KEYS_KEPT, EventLog, open_event_log
from tests.contracts.logs.event_logs.suite import EventLogSuite, record
from tests.redis_server import DURABLE, redis_server


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with redis_server(tmp_path_factory.mktemp("redis"), *DURABLE) as port:
        yield port


class TestRedisEventLog(EventLogSuite):
    @pytest.fixture(autouse=True)
    def _url(self, port: int, request: pytest.FixtureRequest) -> None:
        self.url = f"redis://127.0.0.1:{port}/0?prefix={request.node.name}"

    def reopen(self) -> EventLog:
        return open_event_log(self.url)

    def test_keys_expire_after_the_time_for_which_they_must_be_known(self, log: RedisEventLog) -> None:
        log.append([record("a")])
        prefix = self.url.rpartition("=")[2]
        (key,) = log._redis.keys(f"{prefix}:event:*")
        assert log._redis.ttl(key) > KEYS_KEPT.total_seconds()

    def test_who_stores_the_same_at_the_same_time_stores_it_once(self) -> None:
        logs = [self.reopen() for _ in range(4)]
        outcomes: list[list[bool]] = []

        def append(log: EventLog) -> None:
            outcomes.extend(log.append([record(f"m{n}"), record("shared")]) for n in range(20))

        threads = [threading.Thread(target=append, args=(log,)) for log in logs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(new for outcome in outcomes for new in outcome) == 21
        assert len(logs[0].read(0, 1000)) == logs[0].counts().stored == 21
        for log in logs:
            log.close()


def test_acknowledged_records_survive_the_servers_kill(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    with redis_server(tmp_path, *DURABLE) as port:
        log = RedisEventLog(f"redis://127.0.0.1:{port}")
        acknowledged += [f"m{n}" for n in range(50) if log.append([record(f"m{n}")]) == [True]]
    with pytest.raises(EventLogError, match="did not accept"):
        log.append([record("too late")])
    with pytest.raises(EventLogError, match="cannot be read"):
        log.read(0, 1)
    with redis_server(tmp_path, *DURABLE, port=port):
        assert [stored.record.key for stored in log.read(0, 100)] == acknowledged  # the same log goes on
        assert log.append([record("m3"), record("later")]) == [False, True]
    log.close()


def test_a_server_that_may_forget_is_refused(tmp_path: Path) -> None:
    with redis_server(tmp_path, "--appendonly", "yes", "--appendfsync", "everysec") as port:
        with pytest.raises(EventLogError, match=r"has appendfsync everysec.*Set appendonly yes, appendfsync always"):
            RedisEventLog(f"redis://127.0.0.1:{port}")
        RedisEventLog(f"redis://127.0.0.1:{port}?trusted=1").close()


def test_wrong_urls_are_refused() -> None:
    with pytest.raises(SettingsError, match="unknown parameters colour"):
        RedisEventLog("redis://127.0.0.1:1?colour=red")
    with pytest.raises(EventLogError, match="cannot be opened"):
        RedisEventLog("redis://127.0.0.1:1")
