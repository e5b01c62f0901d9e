"""`shopkeeper demo`: a simulated store, from events to answers over HTTP."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote

import typer
from rich.table import Table

from contracts import columns as c
from contracts.errors import InputError, StorageError
from contracts.settings import Settings, load_settings
from serving.security.api_keys import SCOPES, create_key, read_keys, revoke_key
from shopkeeper.commands.demo.store import demo_store
from shopkeeper.commands.simulate import last_day
from shopkeeper.display.console import console
from shopkeeper.display.progress import steps
from shopkeeper.display.tables import number

if TYPE_CHECKING:
    from pipelines.simulate.parameters import StoreParameters

SERVE_VARIABLE: Final = "DEMO_SERVE"
KEY_NAME: Final = "demo"
READY_SECONDS: Final = 60
STOP_SECONDS: Final = 15
PORTS_TRIED: Final = 20


def demo(
    events: Annotated[int, typer.Option(min=1000, help="About how many events to simulate.")] = 100_000,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; the next free one is taken.")] = 8000,
    until: Annotated[
        str | None, typer.Option(help="The store's last day, such as 2024-12-31.  [default: yesterday]")
    ] = None,
) -> None:
    """Simulate a store, train, publish, serve, and show the answers; serves until Ctrl-C.

    Its events end yesterday, so that events of your own follow them. Its files are kept in the folder demo below
    SHOPKEEPER_HOME, and a second call uses the same store. DEMO_SERVE=no ends after the answers are shown.

    Example: [bold]DEMO_SERVE=no shopkeeper demo[/]
    """
    for which in (signal.SIGINT, signal.SIGTERM):  # so that the processes that were started end, too
        signal.signal(which, signal.default_int_handler)
    settings = load_settings(home=load_settings().home / "demo")
    _make(settings, demo_store(settings, events, last_day(until), until is not None))
    key = _fresh_key(settings)
    with _service(settings, free_port(port)) as (address, process):
        shop = _Client(address, key)
        customer = _recent_customer(shop)
        _show_recommendations(shop, customer)
        for show in (_show_similar, _show_churn_list, _show_forecast):
            try:
                show(shop)
            except StorageError as error:  # a family that did not pass its gate is not there
                console.print(f"{error}\n", highlight=False)
        serves_on = os.environ.get(SERVE_VARIABLE, "yes").casefold() not in {"no", "0", "false"}
        _show_what_next(settings, address, key, customer, serves_on)
        if serves_on:
            console.print("Serving until you press Ctrl-C.")
            process.wait()


class _Client:
    """An HTTP client of the service, as a storefront has one."""

    def __init__(self, address: str, key: str) -> None:
        self._address = address
        self._key = key

    def ask(self, path: str) -> Any:
        """The answer; raises StorageError with the service's message where there is none."""
        request = urllib.request.Request(self._address + path, headers={"Authorization": f"Bearer {self._key}"})
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise StorageError(json.load(error)["detail"]) from None


def _make(settings: Settings, store: "StoreParameters") -> None:
    from pipelines.ingest.ingest import ingest
    from pipelines.publishing.publish import publish
    from pipelines.simulate.simulation import simulate
    from shopkeeper.commands.demo.training import train_in_two
    from shopkeeper.commands.train import report

    with steps() as progress:
        written = simulate(store, settings.home / "simulated", False, progress)
        files = [Path(written.events_path)]
        ingested = ingest(settings, files, catalogue=Path(written.catalogue_path), progress=progress)
        trained = train_in_two(settings, progress)
        publish(settings, progress)
    counts = ingested.total
    console.print(
        f"\n{counts.received:,} events received = {counts.stored:,} stored + {counts.duplicate:,} duplicate + "
        f"{counts.quarantined.total():,} quarantined + {counts.suppressed:,} suppressed (no consent).\n",
        highlight=False,
    )
    console.out(trained.output, highlight=False)
    report(trained.outcomes, progress.seconds, as_json=False)


def _fresh_key(settings: Settings) -> str:
    path = settings.keys_path
    for old in read_keys(path) if path.exists() else []:
        if old.name == KEY_NAME and old.revoked_at is None:
            revoke_key(path, old.id)
    _, key = create_key(path, KEY_NAME, [scope for scope in SCOPES if scope != "admin"])
    return key


@contextmanager
def _service(settings: Settings, port: int) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Run the service as a process; yields its address and the process once it is ready.

    The process ends with the block, also when the block is interrupted.
    """
    command = [sys.executable, "-m", "shopkeeper", "serve", "--port", str(port)]
    log_path = settings.home / "service.log"
    with log_path.open("w") as log:
        environment = os.environ | {"SHOPKEEPER_HOME": str(settings.home)}
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_until_ready(address, process, log_path)
            yield address, process
        except KeyboardInterrupt:
            console.print("\nStopped. `make demo` starts again.")
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def _wait_until_ready(address: str, process: subprocess.Popen[bytes], log_path: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/ready", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise StorageError(f"the service did not become ready; {log_path} says why.")


def free_port(port: int) -> int:
    """The first free port on loopback from this one on; raises InputError where PORTS_TRIED are taken."""
    for candidate in range(port, port + PORTS_TRIED):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return candidate
    raise InputError(
        f"none of the ports {port} to {port + PORTS_TRIED - 1} is free on 127.0.0.1; choose another with --port."
    )


def _recent_customer(shop: _Client) -> str:
    """The id of a customer with several orders, one of them recent."""
    recent = shop.ask("/v1/customers?where=orders:ge:3&sort=-last_order_at&limit=1")["rows"]
    everyone = recent or shop.ask("/v1/customers?limit=1")["rows"]
    return str(everyone[0]["customer_id"])


def _show_churn_list(shop: _Client) -> None:
    known = shop.ask("/v1/customers?limit=1")["rows"]
    has_value = bool(known) and c.VALUE_AT_RISK in known[0]
    first = c.VALUE_AT_RISK if has_value else c.CHURN_RISK
    rows = shop.ask(f"/v1/customers?where={c.CHURN_BAND}:eq:high&sort=-{first}&limit=5")["rows"]
    heads = ("customer", "risk", *(("at risk",) if has_value else ()), "orders", "why")
    table = Table(*heads, title="\nCustomers at high risk, by value at risk", title_justify="left")
    for row in rows:
        numbers = [_number(row[name]) for name in dict.fromkeys((c.CHURN_RISK, first))]
        reasons = [row.get(name) for name in c.CHURN_REASONS[:2]]
        table.add_row(row[c.CUSTOMER_ID], *numbers, str(row[c.ORDERS]), "; ".join(filter(None, reasons)))
    console.print(table)


def _show_recommendations(shop: _Client, customer: str) -> None:
    answer = shop.ask(f"/v1/recommendations/{quote(customer, safe='')}?k=5")
    console.print(_items_table(f"\nRecommendations for {customer}", answer["items"]))


def _show_similar(shop: _Client) -> None:
    item = shop.ask("/v1/items?sort=-units_next_28_days&limit=1")["rows"][0]
    answer = shop.ask(f"/v1/items/{quote(item['item_id'], safe='')}/similar?k=5")
    console.print(_items_table(f"\nSimilar to {item['item_name'] or item['item_id']}", answer["items"]))


def _show_forecast(shop: _Client) -> None:
    rows = shop.ask("/v1/items?sort=-units_next_28_days&limit=1")["rows"]
    if not rows:
        return
    item = rows[0]
    days = shop.ask(f"/v1/items/{quote(item['item_id'], safe='')}/forecast")["days"]
    title = f"\nDemand forecast: {item['item_name'] or item['item_id']}, units a day"
    table = Table("day", "low", "median", "high", title=title, title_justify="left")
    for day in days[:7]:
        table.add_row(day["date"], *(number(day[name]) for name in ("low", "median", "high")))
    console.print(table)


def _show_what_next(settings: Settings, address: str, key: str, customer: str, serves_on: bool) -> None:
    start = [] if serves_on else [f"Start          SHOPKEEPER_HOME={settings.home} make serve"]
    lines = [
        *start,
        f"Open           {address}/#key={key}",
        "",
        f"Ask            curl -H 'Authorization: Bearer {key}' \\",
        f"                 '{address}/v1/recommendations/{quote(customer, safe='')}?k=5'",
        f"Look around    export SHOPKEEPER_HOME={settings.home}",
        "               make status; make churn-list; make forecast; make mlflow",
        "Your own data  unset SHOPKEEPER_HOME",
        "               .venv/bin/shopkeeper ingest events.jsonl && make retrain     (docs/events.md)",
    ]
    console.print()
    console.rule("Next steps", align="left")
    console.print("\n".join(lines), highlight=False, soft_wrap=True)
    console.rule()


def _items_table(title: str, items: list[Any]) -> Table:
    table = Table("item", "price", "why", title=title, title_justify="left")
    for item in items:
        table.add_row(item["name"] or item["item_id"], _number(item["price"]), item["reason"])
    return table


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
