"""`shopkeeper status`: what is served, stored and waiting, and what is wrong. It imports no model and no engine."""

import shutil
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from contracts.bundle import Bundle
from contracts.bundle_store import open_bundle_store
from contracts.errors import NoBundle, StorageError
from contracts.logs.events import open_event_log
from contracts.settings import Settings, load_settings, url_path
from pipelines.families.names import FAMILY_NAMES
from pipelines.training.challengers import ChallengerStore
from pipelines.warehouse.overview import Overview, read_overview
from shopkeeper.display.ages import ago
from shopkeeper.display.console import JsonOption, console, print_json, print_paragraph

STALE: Final = timedelta(days=7)  # data older than this are a problem
LEAST_FREE_BYTES: Final = 2**30
SHOWN_CODES: Final = 5


def status(as_json: JsonOption = False) -> None:
    """Show what is served and how old it is, each family's verdict, what is stored and waiting, and what is wrong.

    Example: [bold]shopkeeper status[/]
    """
    settings = load_settings()
    found = collect(settings)
    if as_json:
        print_json(found)
        return
    now = datetime.now(UTC)
    _print_bundle(found["bundle"], now)
    _print_families(found["candidates"], found["bundle"])
    _print_events(found["events"], now)
    _print_problems(found["problems"])
    print_paragraph(f"Home: {found['home']}")


def collect(settings: Settings) -> dict[str, Any]:
    """Everything that status says, ready for JSON; what cannot be read is a problem in it."""
    problems: list[str] = []
    bundle = _bundle(settings, problems)
    candidates = _candidates(settings)
    events = _events(settings, bundle, problems)
    problems += _unpublished(candidates, bundle)
    problems += _outside_problems(settings)
    return {
        "home": str(settings.home.resolve()),
        "bundle": bundle,
        "candidates": candidates,
        "events": events,
        "problems": problems,
    }


def _bundle(settings: Settings, problems: list[str]) -> dict[str, Any] | None:
    store = open_bundle_store(settings.bundles_url)
    try:
        bundle: Bundle = store.open(store.current())
    except NoBundle:
        return None
    except StorageError as error:
        problems.append(str(error))
        return None
    manifest = bundle.manifest
    return {
        "version": bundle.version,
        "created_at": manifest.created_at.isoformat(),
        "window_end": manifest.window_end.isoformat(),
        "currency": manifest.settings.get("currency"),
        "families": {
            name: {"as_of": entry.as_of.isoformat(), "since": entry.bundle_version, "gate": entry.verdict.reason}
            for name, entry in manifest.families.items()
        },
        "versions": store.versions(),
    }


def _candidates(settings: Settings) -> dict[str, Any]:
    store = ChallengerStore(settings.candidates_path)
    loaded = {name: store.load(name) for name in FAMILY_NAMES}
    return {
        name: {
            "trained_at": challenger.trained_at.isoformat(),
            "as_of": challenger.as_of.isoformat(),
            "verdict": challenger.verdict.finding,
            "answered_by": challenger.verdict.answers,
            "gate": challenger.verdict.reason,
            "metrics": challenger.metrics,
            "baseline_metrics": challenger.baseline_metrics,
            "parameters": challenger.parameters,
        }
        for name, challenger in loaded.items()
        if challenger is not None
    }


def _events(settings: Settings, bundle: dict[str, Any] | None, problems: list[str]) -> dict[str, Any]:
    try:
        found = read_overview(url_path(settings.warehouse_url))
        log = open_event_log(settings.events_url) if settings.home.exists() else None
        waiting = log.count_after(found.log_cursor) if log is not None else 0
    except StorageError as error:
        problems.append(str(error))
        found, waiting = Overview(0, None, None, frozenset(), [], 0), 0
    if found.last is not None and datetime.now(UTC) - found.last > STALE:
        problems.append(
            f"The last event is of {found.last:%Y-%m-%d}. Predictions are as of then, and customers who have ordered "
            "since look absent. `shopkeeper ingest` stores newer events."
        )
    currencies = {settings.currency} if settings.currency else found.currencies or {bundle and bundle["currency"]}
    return {
        "stored": found.events,
        "first": found.first.isoformat() if found.first else None,
        "last": found.last.isoformat() if found.last else None,
        "waiting": waiting,
        "quarantined": found.quarantined,
        "currency": next(iter(currencies)) if len(currencies) == 1 else None,
        "ingests": found.ingests,
    }


def _unpublished(candidates: dict[str, Any], bundle: dict[str, Any] | None) -> list[str]:
    """Families that were fitted after the served bundle was made."""
    made = bundle["created_at"] if bundle else ""
    newer = [name for name, found in candidates.items() if found["answered_by"] and found["trained_at"] > made]
    return [f"Trained but not published: {', '.join(newer)}. `shopkeeper publish` publishes them."] if newer else []


def _outside_problems(settings: Settings) -> list[str]:
    """Problems of the machine and of the keys."""
    problems = []
    if settings.home.exists():
        free = shutil.disk_usage(settings.home).free
        if free < LEAST_FREE_BYTES:
            problems.append(f"Only {free / 2**20:,.0f} MiB are free on the disk of {settings.home}.")
    if not settings.keys_path.exists():
        problems.append(
            "There is no API key, so `shopkeeper serve` does not start. See `shopkeeper keys create --help`."
        )
    return problems


def _print_bundle(bundle: dict[str, Any] | None, now: datetime) -> None:
    if bundle is None:
        print_paragraph("Served: nothing that can be read is published. `shopkeeper retrain` trains and publishes.")
        return
    made, end = (datetime.fromisoformat(bundle[name]) for name in ("created_at", "window_end"))
    print_paragraph(f"Served: bundle {bundle['version']}, made {ago(made, now)}, from events to {end:%Y-%m-%d}.")
    others = len(bundle["versions"]) - 1
    if others:
        print_paragraph(f"Kept for a rollback: {others} more; `shopkeeper bundles` lists them.")


def _print_families(candidates: dict[str, Any], bundle: dict[str, Any] | None) -> None:
    published = bundle["families"] if bundle else {}
    console.print("\nFamilies", style="bold")
    for name in FAMILY_NAMES:
        print_paragraph(f"  {name:<12}{_verdict(candidates.get(name), published.get(name))}", indent=14)


def _verdict(candidate: dict[str, Any] | None, published: dict[str, Any] | None) -> str:
    """Whether a family is published, and why or why not."""
    if published is None:
        return f"not published: {candidate['gate']}." if candidate else "not trained."
    if candidate is None or candidate["answered_by"]:
        return f"published: {published['gate']}."
    return f"published, as of {published['as_of'][:10]}. The last training has nothing new: {candidate['gate']}."


def _print_events(events: dict[str, Any], now: datetime) -> None:
    console.print()
    if not events["stored"]:
        print_paragraph("Events: none yet. `shopkeeper ingest FILE` reads some.")
    else:
        last = datetime.fromisoformat(events["last"])
        money = f", money in {events['currency']}" if events["currency"] else ""
        print_paragraph(
            f"Events: {events['stored']:,} stored, from {events['first'][:10]} to {events['last'][:10]} "
            f"({ago(last, now)}){money}."
        )
    if events["waiting"]:
        print_paragraph(f"Waiting: {events['waiting']:,} that the service accepted; `shopkeeper ingest` stores them.")
    codes = events["quarantined"]
    if codes:
        shown = [f"{number:,} {code}" for code, number in list(codes.items())[:SHOWN_CODES]]
        more = f" and {len(codes) - SHOWN_CODES} more codes" if len(codes) > SHOWN_CODES else ""
        print_paragraph(f"Quarantined: {sum(codes.values()):,} records: {', '.join(shown)}{more}.")


def _print_problems(problems: list[str]) -> None:
    console.print("\nProblems" if problems else "\nNo problem was found.", style="bold" if problems else "")
    for problem in problems:
        print_paragraph(f"  - {problem}", indent=4)
    console.print()
