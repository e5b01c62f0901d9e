"""Speed and memory of the customer list over HTTP, for a large store.

    python -m benchmarks.customer_list --customers 1000000

Makes a table of customers with the columns of all families, publishes it, runs the service as its own process, and
streams the whole list in each format while it measures the process's memory. Then it requests filtered, sorted first
pages, each request for the first time. The last line is one JSON object. `--home` is emptied first.

`growth_mib` is the growth of the service's resident memory during a stream, pages of the mapped table included.
"""

import argparse
import http.client
import itertools
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.harness.home import emptied
from contracts.bundle import CUSTOMERS_TABLE, FORMAT_VERSION, Manifest, hash_files, write_table
from contracts.bundle_store import open_bundle_store
from contracts.settings import Settings, load_settings
from serving.security.api_keys import create_key

SEED: Final = 7
AS_OF: Final = datetime(2026, 6, 1, tzinfo=UTC)
READY_SECONDS: Final = 120.0
READ_BYTES: Final = 1 << 20
STREAMS: Final = {
    "csv": {"format": "csv"},
    "csv_sorted": {"format": "csv", "sort": "-value_at_risk"},
    "parquet": {"format": "parquet"},
    "klaviyo": {"format": "klaviyo", "include_without_consent": "true"},
}
SORTS: Final = ("-value_at_risk", "-churn_risk", "next_order_expected,-expected_value_90d", "rfm_segment,-orders", "")
Filter = Callable[[int], list[str]]
# The number makes each request a new one.
FILTERS: Final[dict[str, Sequence[Filter]]] = {
    "first_page": (
        lambda n: ["churn_band:in:high|medium", f"expected_value_90d:ge:{n}"],
        lambda n: [f"churn_risk:ge:{n / 1000}", "consent_marketing:eq:true"],
        lambda n: ["rfm_segment:eq:at risk", "stage:not_in:lapsed", f"revenue:ge:{n}"],
        lambda n: [f"last_order_at:ge:2025-{n % 12 + 1:02d}-{n % 28 + 1:02d}"],
    ),
    "first_page_of_a_text_search": (
        lambda n: [f"recommended_items:contains:sku-{n}", "churn_band:eq:high"],
        lambda n: [f"churn_reason_1:contains:Now {n} days", "churn_band:eq:high"],
    ),
}


def main() -> None:
    """Make, publish, serve, request, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--pages", type=int, default=100, help="first pages to request, of each kind")
    parser.add_argument(
        "--home", type=Path, default=Path("var/bench-list"), help="an empty folder, or one of an earlier run"
    )
    options = parser.parse_args()
    settings = load_settings(home=emptied(options.home))
    table = customers_table(options.customers)
    columns, mib = table.num_columns, table.nbytes / 2**20
    _publish(settings, table)
    del table
    _, key = create_key(settings.keys_path, "benchmark", ["customers:read"])
    with _service(settings) as (port, pid):
        client = _Client(port, key)
        streams = {}
        with _Memory(pid) as memory:
            for name, query in STREAMS.items():
                streams[name] = _streamed(client, pid, query, settings.home / f"list.{query['format']}")
                print(name, json.dumps(streams[name]), flush=True)
        written = pq.read_metadata(settings.home / "list.parquet").num_rows
        assert written == options.customers, f"the Parquet file has {written:,} rows"
        pages = {name: _first_pages(client, filters, options.pages) for name, filters in FILTERS.items()}
    figures = {"customers": options.customers, "columns": columns, "table_mib": round(mib)}
    print(json.dumps(figures | streams | {"growth_mib_by_all": round(memory.growth_mib)} | pages))


def customers_table(count: int) -> pa.Table:
    """Customers with the columns of every family, some of them null, sorted by id."""
    random = np.random.default_rng(SEED)
    made = _Columns(random, count)
    return pa.table(_facts(made) | _churn_and_value(made) | _what_next(made))


@dataclass(frozen=True)
class _Columns:
    """Random columns of one length."""

    random: np.random.Generator
    count: int

    def pick(self, *values: str) -> pa.Array:
        places = self.random.integers(0, len(values), self.count)
        return pa.DictionaryArray.from_arrays(places, list(values)).cast(pa.string())

    def some(self, values: np.ndarray, share_null: float = 0.1) -> pa.Array:
        return pa.array(values, mask=self.random.random(self.count) < share_null)

    def days(self, low: int, high: int, kind: pa.DataType) -> pa.Array:
        at = int(AS_OF.timestamp()) + self.random.integers(low * 86_400, high * 86_400, self.count)
        return pa.array(at.astype("datetime64[s]")).cast(kind)

    def sentences(self, pattern: str) -> pa.Array:
        first, second = (pa.array(self.random.integers(1, 200, self.count)).cast(pa.string()) for _ in range(2))
        start, middle, end = pattern.split("#")
        return pc.binary_join_element_wise(start, first, middle, second, end, "")

    def lists(self, length: int) -> pa.Array:
        items = pa.array([f"sku-{number}" for number in range(10_000)])
        chosen = items.take(pa.array(self.random.integers(0, len(items), length * self.count)))
        return pa.ListArray.from_arrays(np.arange(0, length * self.count + 1, length, dtype=np.int32), chosen)


def _facts(made: _Columns) -> dict[str, Any]:
    random, count = made.random, made.count
    return {
        "customer_id": pa.array([f"customer-{number:08d}" for number in range(count)]),
        "first_order_at": made.days(-900, -300, pa.timestamp("us", "UTC")),
        "last_order_at": made.days(-300, 0, pa.timestamp("us", "UTC")),
        "orders": random.geometric(0.4, count),
        "revenue": random.gamma(0.5, 240, count).round(2),
        "country": made.pick("DE", "AT", "CH", "FR"),
        "channel": made.pick("direct", "organic", "cpc", "email"),
        "consent_personalization": made.some(random.random(count) < 0.9),
        "consent_marketing": made.some(random.random(count) < 0.6),
        "as_of": pa.array([AS_OF] * count, pa.timestamp("us", "UTC")),
    }


def _churn_and_value(made: _Columns) -> dict[str, Any]:
    random, count = made.random, made.count
    risk, value = random.random(count), random.gamma(0.5, 80, count).round(2)
    values = {
        f"expected_value_{horizon}d{suffix}": made.some((value * factor * horizon / 90).round(2))
        for horizon in (30, 90, 365)
        for suffix, factor in (("", 1.0), ("_low", 0.4), ("_high", 2.1))
    }
    return {
        "churn_risk": made.some(risk),
        "churn_risk_low": made.some(risk * 0.8),
        "churn_risk_high": made.some(1 - (1 - risk) * 0.8),
        "churn_band": made.pick("low", "medium", "high"),
        "churn_reason_1": made.sentences("ordered every # days; now # days without one"),
        "churn_reason_2": made.sentences("visited on # days of the last # days"),
        "churn_reason_3": made.sentences("spent # on average over # orders"),
        "churn_horizon_days": np.full(count, 90),
        **values,
        "expected_orders_90d": made.some(random.random(count) * 3),
        "value_at_risk": made.some((risk * value).round(2)),
    }


def _what_next(made: _Columns) -> dict[str, Any]:
    random, count = made.random, made.count
    return {
        "next_order_expected": made.days(0, 200, pa.date32()),
        "next_order_from": made.days(0, 100, pa.date32()),
        "next_order_to": made.days(100, 400, pa.date32()),
        "next_order_probability_30d": made.some(random.random(count)),
        "rfm_segment": made.pick("champions", "loyal", "at risk", "hibernating", "promising", "lost"),
        **{f"rfm_{name}": random.integers(1, 6, count) for name in ("recency", "frequency", "money")},
        "stage": made.pick("new", "active", "cooling", "lapsed", "won_back", "prospect"),
        "cluster": made.pick("buys in sales", "many small baskets", "rare and large", "tea drinkers"),
        "uplift": made.some(random.normal(0.02, 0.02, count), 0.5),
        "uplift_low": made.some(random.normal(-0.01, 0.02, count), 0.5),
        "uplift_high": made.some(random.normal(0.05, 0.02, count), 0.5),
        "uplift_band": made.pick("persuadable", "sure_thing", "lost_cause", "leave_alone"),
        "suggested_action": made.pick("send a reminder", "offer 10 %", "wait", "ask for a review"),
        "recommended_items": made.lists(3),
    }


def _publish(settings: Settings, table: pa.Table) -> None:
    store = open_bundle_store(settings.bundles_url)
    with store.draft() as draft:
        write_table(draft / CUSTOMERS_TABLE, table)
        manifest = Manifest(
            format_version=FORMAT_VERSION,
            version="benchmark",
            created_at=AS_OF,
            window_start=AS_OF - timedelta(days=900),
            window_end=AS_OF,
            consent_cut=AS_OF,
            families={},
            files=hash_files(draft),
            replays={},
            settings={},
        )
        store.publish(draft, manifest)


@contextmanager
def _service(settings: Settings) -> Iterator[tuple[int, int]]:
    """The service as its own process; gives its port and its process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "shopkeeper", "serve", "--port", str(port)]
    environment = os.environ | {"SHOPKEEPER_HOME": str(settings.home)}
    with (settings.home / "service.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        _wait_until_ready(port)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/ready")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise SystemExit("the service did not become ready; its log is service.log in the folder.")


class _Client:
    """One connection that stays open."""

    def __init__(self, port: int, key: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        self._headers = {"X-API-Key": key}

    def get(self, query: dict[str, Any]) -> http.client.HTTPResponse:
        self._connection.request("GET", "/v1/customers?" + urlencode(query, doseq=True), headers=self._headers)
        response = self._connection.getresponse()
        if response.status != 200:
            raise SystemExit(f"{query} was answered with {response.status}: {response.read().decode()}")
        return response


def _streamed(client: _Client, pid: int, query: dict[str, Any], target: Path) -> dict[str, float]:
    """Rows of the whole list per second, and the growth of the service's memory."""
    is_csv = query["format"] != "parquet"
    lines, size = 0, 0
    with _Memory(pid) as memory, target.open("wb") as file:
        started = time.monotonic()
        response = client.get(query)
        while block := response.read(READ_BYTES):
            lines, size = lines + block.count(b"\n"), size + len(block)
            file.write(block)
        seconds = time.monotonic() - started
    rows = lines - 1 if is_csv else pq.read_metadata(target).num_rows
    return {
        "rows_per_second": round(rows / seconds),
        "rows": rows,
        "seconds": round(seconds, 2),
        "mib": round(size / 2**20),
        "growth_mib": round(memory.growth_mib),
    }


class _Memory:
    """Measures the growth of a process's resident memory while a block runs."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._before = self._peak = self._resident_mib()

    @property
    def growth_mib(self) -> float:
        return self._peak - self._before

    def __enter__(self) -> "_Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.02):
            self._peak = max(self._peak, self._resident_mib())

    def _resident_mib(self) -> float:
        line = next(line for line in self._status.read_text().splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024


def _first_pages(client: _Client, filters: Sequence[Filter], count: int) -> dict[str, float]:
    """The duration of filtered, sorted first pages that are not cached."""
    milliseconds = [_milliseconds(client, query) for query in itertools.islice(_requests(filters), count)]
    return {
        "pages": count,
        "p50_ms": round(float(np.quantile(milliseconds, 0.5)), 1),
        "p99_ms": round(float(np.quantile(milliseconds, 0.99)), 1),
        "max_ms": round(max(milliseconds), 1),
    }


def _requests(filters: Sequence[Filter]) -> Iterator[dict[str, Any]]:
    for number in itertools.count(1):
        for where, sort in itertools.product(filters, SORTS):
            yield {"where": where(number), "sort": sort, "limit": 100}


def _milliseconds(client: _Client, query: dict[str, Any]) -> float:
    started = time.perf_counter()
    client.get(query).read()
    return 1e3 * (time.perf_counter() - started)


if __name__ == "__main__":
    main()
