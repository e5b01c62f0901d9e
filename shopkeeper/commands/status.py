"""`shopkeeper status`: what is stored, trained and published."""

from typing import Any

from rich.table import Table

from contracts.bundle import Bundle
from contracts.bundle_store import open_bundle_store
from contracts.errors import NoBundle
from contracts.settings import Settings, load_settings
from shopkeeper.display.console import JsonOption, console, print_json


def status(as_json: JsonOption = False) -> None:
    """Show what is stored, trained and published.

    Example: [bold]shopkeeper status[/]
    """
    settings = load_settings()
    found: dict[str, Any] = {
        "home": str(settings.home.resolve()),
        "events": _events(settings),
        "candidates": _candidates(settings),
        "bundle": _bundle(settings),
    }
    if as_json:
        print_json(found)
        return
    console.print(f"Home: {found['home']}", highlight=False)
    _print_events(found["events"])
    _print_families(found["candidates"], found["bundle"])


def _events(settings: Settings) -> dict[str, Any]:
    from pipelines.warehouse import views
    from pipelines.warehouse.warehouse import open_warehouse

    warehouse = open_warehouse(settings)
    window = warehouse.event_window()
    return {
        "stored": window.events,
        "first": window.first.isoformat() if window.first else None,
        "last": window.last.isoformat() if window.last else None,
        "currency": views.currency(warehouse),
        "ingests": warehouse.ingests(),
    }


def _candidates(settings: Settings) -> dict[str, Any]:
    from pipelines.families.registry import FAMILIES
    from pipelines.training.challengers import ChallengerStore

    store = ChallengerStore(settings.candidates_path)
    loaded = {name: store.load(name) for name in FAMILIES}
    return {
        name: {
            "trained_at": challenger.trained_at.isoformat(),
            "as_of": challenger.as_of.isoformat(),
            "passed": challenger.passed,
            "gate": challenger.gate,
            "metrics": challenger.metrics,
            "baseline_metrics": challenger.baseline_metrics,
            "parameters": challenger.parameters,
        }
        for name, challenger in loaded.items()
        if challenger is not None
    }


def _bundle(settings: Settings) -> dict[str, Any] | None:
    store = open_bundle_store(settings.bundles_url)
    try:
        bundle: Bundle = store.open(store.current())
    except NoBundle:
        return None
    families = bundle.manifest.families
    return {
        "version": bundle.version,
        "created_at": bundle.manifest.created_at.isoformat(),
        "families": {name: {"as_of": e.as_of.isoformat(), "since": e.bundle_version} for name, e in families.items()},
        "versions": store.versions(),
    }


def _print_events(events: dict[str, Any]) -> None:
    if not events["stored"]:
        console.print("Events: none yet. `shopkeeper ingest FILE` reads some.")
        return
    console.print(f"Events: {events['stored']:,} stored, from {events['first'][:10]} to {events['last'][:10]}.")
    columns = ("received", "stored", "duplicate", "quarantined", "suppressed")
    totals = {name: sum(row[name] for row in events["ingests"]) for name in columns}
    words = ", ".join(f"{totals[name]:,} {name}" for name in columns[1:])
    console.print(f"Money: in {events['currency']}." if events["currency"] else "Money: no event states a currency.")
    console.print(f"Ingests: {len(events['ingests'])}; {totals['received']:,} received = {words}.")


def _print_families(candidates: dict[str, Any], bundle: dict[str, Any] | None) -> None:
    if bundle is None:
        console.print("Bundle: none published yet. `shopkeeper retrain` trains and publishes.")
    else:
        console.print(f"Bundle: {bundle['version']}, one of {len(bundle['versions'])} published.", highlight=False)
    table = Table("family", "trained", "gate", "published since")
    for name, candidate in candidates.items():
        since = bundle["families"].get(name, {}).get("since", "–") if bundle else "–"
        table.add_row(name, candidate["trained_at"][:16], candidate["gate"], since)
    if candidates:
        console.print(table)
