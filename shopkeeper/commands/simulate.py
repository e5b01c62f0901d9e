"""`shopkeeper simulate`: a synthetic store with a known truth."""

import time
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from contracts.errors import InputError
from contracts.settings import load_settings
from pipelines.simulate.parameters import StoreParameters
from shopkeeper.display.console import JsonOption, console, print_json
from shopkeeper.display.progress import steps

DEFAULT_EVENTS = 80_000


def simulate(
    out: Annotated[Path | None, typer.Option(help="Folder to write into.  [default: <home>/simulated]")] = None,
    events: Annotated[int | None, typer.Option(help=f"About how many events.  [default: {DEFAULT_EVENTS}]")] = None,
    customers: Annotated[int | None, typer.Option(help="Customers; by default what --events needs.")] = None,
    items: Annotated[int | None, typer.Option(help="Items; by default what --events needs.")] = None,
    days: Annotated[int, typer.Option(help="Days that the store is open.")] = StoreParameters.days,
    until: Annotated[
        str | None,
        typer.Option(help="Its last day, such as 2024-12-31.  [default: yesterday]"),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Same seed and last day, same store.  [default: the setting]")
    ] = None,
    compress: Annotated[bool, typer.Option("--gzip", help="Write events.jsonl.gz.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Simulate a store with a known truth: its events as Segment-spec JSON lines, its catalogue, its calendar
    of promotions and stock-outs, and the truth.

    Example: shopkeeper simulate --events 100000 --out var/simulated
    """
    if events is not None and customers is not None:
        raise InputError("both --events and --customers are given; give one of them, the other follows from it.")
    from pipelines.simulate.simulation import parameters_for
    from pipelines.simulate.simulation import simulate as run_store

    settings = load_settings()
    p = parameters_for(DEFAULT_EVENTS if events is None else events, days, settings.seed if seed is None else seed)
    customers = p.customers if customers is None else customers
    first_day = last_day(until) - timedelta(days=days - 1)
    p = replace(p, start=first_day, customers=customers, items=p.items if items is None else items)
    began = time.monotonic()
    with steps() as progress:
        written = run_store(p, out or settings.home / "simulated", compress, progress)
    seconds = time.monotonic() - began
    if as_json:
        print_json(asdict(written) | {"seed": p.seed, "seconds": progress.seconds})
        return
    console.print(
        f"{written.events:,} events ({written.events / seconds:,.0f} a second) with {written.orders:,} orders of "
        f"{written.customers:,} customers and {written.items:,} items on {written.days} days",
        highlight=False,
    )
    for path in (written.events_path, written.catalogue_path, written.calendar_path, written.truth_path):
        console.print(f"  {path}", highlight=False, soft_wrap=True)


def last_day(text: str | None) -> date:
    """The date of --until; without it yesterday (UTC), the last day that is complete."""
    if text is None:
        return datetime.now(UTC).date() - timedelta(days=1)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"--until {text!r} is not a date; give one such as 2024-12-31.") from None
