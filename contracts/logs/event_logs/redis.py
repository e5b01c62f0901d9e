"""The event log as a stream of a Redis server, which several machines share.

Each record is an entry of the stream `PREFIX:events`. What was accepted is found again by a keyed hash of its key, a
value of its own that expires. Both are written in one transaction, which another one that stores the same key fails;
so nothing is lost between them and no script is needed. A cursor is an entry's id as one number.

Redis acknowledges before it syncs, unless it is told otherwise: the log refuses a server that does not sync always.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from contracts.errors import EventLogError, SettingsError
from contracts.logs.events import KEYS_KEPT, LogCounts, LogRecord, StoredRecord
from contracts.time_units import from_microseconds, to_microseconds

try:
    import redis
except ModuleNotFoundError as missing:
    raise SettingsError("an event log of Redis needs the package redis: pip install 'shopkeeper[redis]'.") from missing

PREFIX: Final = "shopkeeper"
TIMEOUT_SECONDS: Final = 5.0
TRIES: Final = 20  # of a transaction that others get in the way of
BLOCK_RECORDS: Final = 1_000
# Records stay in the stream for some days before their keys begin to expire.
_KEY_SECONDS: Final = int((KEYS_KEPT + timedelta(days=30)).total_seconds())
_SEQUENCE_BITS: Final = 20  # an id is milliseconds and a number within; the number is small
_SEQUENCES: Final = 1 << _SEQUENCE_BITS
_NEEDED: Final = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
_TRUSTED: Final = "trusted"  # the query parameter of a URL whose server does not tell its configuration
_HASH_BYTES: Final = 16


class RedisEventLog:
    """An event log in a stream of Redis. `redis://HOST:PORT/DATABASE?prefix=shopkeeper`."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        if unknown := set(query) - {"prefix", _TRUSTED}:
            raise SettingsError(f"events: unknown parameters {', '.join(sorted(unknown))}; known: prefix, {_TRUSTED}.")
        prefix = query.get("prefix", [PREFIX])[0]
        self._stream, self._counts = f"{prefix}:events", f"{prefix}:event-counts"
        self._seen = f"{prefix}:event:"
        self._redis: Any = redis.Redis.from_url(
            parts._replace(query="").geturl(), socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
        )
        try:
            if _TRUSTED not in query:
                self._refuse_a_forgetful_server()
            self._redis.set(f"{prefix}:event-secret", secrets.token_bytes(32), nx=True)
            secret: Any = self._redis.get(f"{prefix}:event-secret")
            self._secret: bytes = secret
        except redis.RedisError as error:
            raise EventLogError(f"the event log {parts.hostname}:{parts.port} cannot be opened: {error}") from error

    def append(self, records: Sequence[LogRecord]) -> list[bool]:
        try:
            for _ in range(TRIES):
                is_new = self._try_append(records)
                if is_new is not None:
                    return is_new
        except redis.RedisError as error:
            raise EventLogError(f"the event log did not accept {len(records)} records: {error}") from error
        raise EventLogError(f"the event log did not accept {len(records)} records: others store the same ones")

    def read(self, after: int, limit: int) -> list[StoredRecord]:
        try:
            entries = self._redis.xrange(self._stream, min=f"({_id(after)}", count=limit)
        except redis.RedisError as error:
            raise EventLogError(f"the event log cannot be read: {error}") from error
        return [StoredRecord(_cursor(entry), _record(fields)) for entry, fields in entries]

    def count_after(self, cursor: int) -> int:
        count, block = 0, [StoredRecord(cursor, _NONE)]
        while block := self.read(block[-1].cursor, BLOCK_RECORDS):
            count += len(block)
        return count

    def counts(self) -> LogCounts:
        try:
            stored, duplicate = self._redis.hmget(self._counts, "stored", "duplicate")
        except redis.RedisError as error:
            raise EventLogError(f"the event log cannot be read: {error}") from error
        return LogCounts(int(stored or 0), int(duplicate or 0))

    def before_last(self, records: int) -> int:
        try:
            latest = b"+"
            while entries := self._redis.xrevrange(self._stream, max=latest, count=min(records + 1, BLOCK_RECORDS)):
                if len(entries) > records:
                    return _cursor(entries[records][0])
                records -= len(entries)
                latest = b"(" + entries[-1][0]
        except redis.RedisError as error:
            raise EventLogError(f"the event log cannot be read: {error}") from error
        return 0

    def trim(self, before: int, received_before: datetime) -> int:
        trimmed, cursor = 0, 0
        try:
            while block := [found for found in self.read(cursor, BLOCK_RECORDS) if found.cursor < before]:
                old = [_id(found.cursor) for found in block if found.record.received_at < received_before]
                trimmed += self._redis.xdel(self._stream, *old) if old else 0
                cursor = block[-1].cursor
        except redis.RedisError as error:
            raise EventLogError(f"the event log could not be trimmed: {error}") from error
        return trimmed

    def remove(self, cursors: Sequence[int]) -> int:
        try:
            return int(self._redis.xdel(self._stream, *map(_id, cursors))) if cursors else 0
        except redis.RedisError as error:
            raise EventLogError(f"the event log could not be erased from: {error}") from error

    def close(self) -> None:
        self._redis.close()

    def _refuse_a_forgetful_server(self) -> None:
        try:
            found = {name: self._redis.config_get(name).get(name) for name in _NEEDED}
        except redis.ResponseError as error:
            raise EventLogError(
                f"the Redis server does not tell how it is configured ({error}). If it has "
                f"{_settings(_NEEDED)}, add ?{_TRUSTED} to the URL: `{_TRUSTED}=1`."
            ) from error
        wrong = {name: value for name, value in found.items() if value != _NEEDED[name]}
        if wrong:
            raise EventLogError(
                f"the Redis server has {_settings(wrong)}: acknowledged events could be lost. Set {_settings(_NEEDED)}."
            )

    def _try_append(self, records: Sequence[LogRecord]) -> list[bool] | None:
        """Which records were new, once all are stored; None where another one stored some of them meanwhile."""
        keys = [self._seen.encode() + self._hash(record.key) for record in records]
        with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.watch(*keys)
            known = {key for key, value in zip(keys, pipeline.mget(keys), strict=True) if value is not None}
            is_new = [key not in known and not known.add(key) for key in keys]  # type: ignore[func-returns-value]
            pipeline.multi()
            for record, key, new in zip(records, keys, is_new, strict=True):
                if new:
                    pipeline.set(key, b"", ex=_KEY_SECONDS)
                    pipeline.xadd(self._stream, _fields(record))
            pipeline.hincrby(self._counts, "stored", sum(is_new))
            pipeline.hincrby(self._counts, "duplicate", len(is_new) - sum(is_new))
            try:
                pipeline.execute()
            except redis.WatchError:
                return None
        return is_new

    def _hash(self, key: str) -> bytes:
        return blake2b(key.encode(), digest_size=_HASH_BYTES, key=self._secret).digest()


def _settings(values: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _id(cursor: int) -> str:
    return f"{cursor >> _SEQUENCE_BITS}-{cursor % _SEQUENCES}"


def _cursor(entry: bytes) -> int:
    milliseconds, sequence = entry.split(b"-")
    return (int(milliseconds) << _SEQUENCE_BITS) + int(sequence)


def _fields(record: LogRecord) -> dict[str, str | bytes | int]:
    return {
        "key": record.key,
        "payload": record.payload,
        "received_at": to_microseconds(record.received_at),
        "source": record.source,
    }


def _record(fields: dict[bytes, bytes]) -> LogRecord:
    received_at = from_microseconds(int(fields[b"received_at"]))
    return LogRecord(fields[b"key"].decode(), fields[b"payload"], received_at, fields[b"source"].decode())


_NONE: Final = LogRecord("", b"", from_microseconds(0), "")
