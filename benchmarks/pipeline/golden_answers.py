"""Writes every answer of a published store into one file, so that two versions of the program can be compared.

    python -m benchmarks.pipeline.golden_answers --home var/demo --output before.jsonl
    python -m benchmarks.pipeline.golden_answers --home var/demo --output after.jsonl --compare before.jsonl

The answers: recommendations for 200 questions over all placements, every column of every customer and item, every
forecast of items and of sums. They are asked over HTTP from a service started here. The bundle's version and the random
answer ids are left out.
"""

import argparse
import itertools
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

PLACEMENTS: Final = {  # the fields that each question fills, beside the number of items
    "for_you": ("customer_id",),
    "similar": ("item_id",),
    "bought_together": ("item_id",),
    "cart": ("cart",),
    "buy_again": ("customer_id",),
    "recently_viewed": ("customer_id",),
    "trending": (),
    "new_arrivals": (),
    "popular": (),
}
QUESTIONS: Final = 200
PAGE_ROWS: Final = 1000
READY_SECONDS: Final = 90
LEFT_OUT: Final = ("bundle_version", "answer_id", "next_cursor")


def main() -> None:
    """Ask, write, and compare where a file to compare with is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True, help="SHOPKEEPER_HOME of the store; it has a bundle.")
    parser.add_argument("--output", type=Path, required=True, help="File to write; one answer a line.")
    parser.add_argument("--compare", type=Path, help="File that an earlier run wrote.")
    arguments = parser.parse_args()
    with _service(arguments.home) as client, arguments.output.open("w") as file:
        for name, answer in answers(client):
            file.write(json.dumps({"question": name, "answer": answer}, sort_keys=True) + "\n")
    if arguments.compare is None:
        return
    found = differences(arguments.compare, arguments.output)
    for line in found[:20]:
        print(line)
    print(json.dumps({"answers": _lines(arguments.output), "different": len(found)}))
    sys.exit(bool(found))


def answers(client: httpx.Client) -> Iterator[tuple[str, Any]]:
    """Each question in words, and its answer."""
    customers = list(_table(client, "customers"))
    items = list(_table(client, "items"))
    yield from ((f"customer {row['customer_id']}", row) for row in customers)
    yield from ((f"item {row['item_id']}", row) for row in items)
    for body in _questions(customers, items):
        yield f"recommend {json.dumps(body)}", _ask(client, "POST", "/v1/recommendations", json=body)
    for row in items:
        yield f"forecast {row['item_id']}", _ask(client, "GET", f"/v1/items/{row['item_id']}/forecast")
    for level in ("total", "category", "channel"):
        yield f"forecast by {level}", _ask(client, "GET", "/v1/forecast", params={"by": level})
    for name in ("kpis", "kpis/cohorts"):
        yield name, _ask(client, "GET", f"/v1/{name}")


def differences(before: Path, after: Path) -> list[str]:
    """The questions whose answers differ, or that only one file has."""
    first, second = (
        {row["question"]: row["answer"] for row in map(json.loads, path.open())} for path in (before, after)
    )
    return [name for name in first | second if first.get(name) != second.get(name)]


def _questions(customers: list[dict[str, Any]], items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The questions; customers and items in turn, every fourth with a session, every fifth with a seed or a filter."""
    placements = itertools.cycle(PLACEMENTS.items())
    for number, (placement, fields) in zip(range(QUESTIONS), placements, strict=False):
        item = items[number * 7 % len(items)]
        values = {
            "customer_id": customers[number * 31 % len(customers)]["customer_id"],
            "item_id": item["item_id"],
            "cart": [items[(number * 11 + place) % len(items)]["item_id"] for place in range(1 + number % 3)],
        }
        body: dict[str, Any] = {"placement": placement, "k": 10, **{name: values[name] for name in fields}}
        if number % 4 == 3:
            seen = [items[(number * 13 + place) % len(items)]["item_id"] for place in range(3)]
            body["session"] = [{"item_id": seen[0]}, {"item_id": seen[1], "kind": "cart"}, {"item_id": seen[2]}]
        if number % 5 == 4:
            body["filters"] = {"price_min": 5.0, "exclude_known": True}
        yield body


def _table(client: httpx.Client, name: str) -> Iterator[dict[str, Any]]:
    cursor: dict[str, str] = {}
    while True:
        page = _ask(client, "GET", f"/v1/{name}", params={"limit": PAGE_ROWS, **cursor}, whole=True)
        yield from page["rows"]
        if not page["next_cursor"]:
            return
        cursor = {"cursor": page["next_cursor"]}


def _ask(client: httpx.Client, method: str, path: str, whole: bool = False, **more: Any) -> Any:
    response = client.request(method, path, **more)
    answer = response.json()
    if not response.is_success:
        return {"status": response.status_code, "type": answer["type"]}
    return answer if whole else {name: value for name, value in answer.items() if name not in LEFT_OUT}


@contextmanager
def _service(home: Path) -> Iterator[httpx.Client]:
    environment = os.environ | {"SHOPKEEPER_HOME": str(home)}
    created = subprocess.run(
        [sys.executable, "-m", "shopkeeper", "keys", "create", "--name", "golden", "--scope", "admin", "--json"],
        env=environment,
        check=True,
        capture_output=True,
    )
    key = json.loads(created.stdout)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "shopkeeper", "serve", "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        headers = {"Authorization": f"Bearer {key['key']}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:
            _wait_until_ready(client)
            yield client
    finally:
        process.terminate()
        process.wait()
        subprocess.run(
            [sys.executable, "-m", "shopkeeper", "keys", "revoke", key["id"]],
            env=environment,
            check=True,
            capture_output=True,
        )


def _wait_until_ready(client: httpx.Client) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            if client.get("/ready").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise SystemExit("the service did not become ready. `shopkeeper serve` says why.")


def _lines(path: Path) -> int:
    with path.open() as file:
        return sum(1 for _ in file)


if __name__ == "__main__":
    main()
