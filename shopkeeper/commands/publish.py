"""`shopkeeper publish | rollback | bundles`: choose the bundle that the service answers from."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from contracts.bundle_store import BundleStore, open_bundle_store
from contracts.errors import StorageError
from contracts.settings import load_settings
from shopkeeper.display.ages import ago
from shopkeeper.display.console import JsonOption, console, print_json
from shopkeeper.display.progress import steps
from shopkeeper.display.tables import Column, print_table


def publish(as_json: JsonOption = False) -> None:
    """Publish the families that passed their gates as one bundle. A running service switches to it.

    Example: [bold]shopkeeper train && shopkeeper publish[/]
    """
    from pipelines.publishing.publish import publish as publish_bundle

    settings = load_settings()
    with steps() as progress:
        published = publish_bundle(settings, progress)
    if as_json:
        print_json(
            {
                "version": published.version,
                "path": str(published.path),
                "new": published.new,
                "kept": published.kept,
                "missing": published.missing,
                "refused": published.refused,
                "seconds": progress.seconds,
            }
        )
        return
    console.print(f"Published [bold]{published.version}[/] with {', '.join(published.new)}.")
    if published.refused:
        console.print(f"Nothing was kept from the version before: {published.refused}", highlight=False)
    if published.kept:
        console.print(f"Kept from the version before: {', '.join(published.kept)}.")
    for family, why in published.missing.items():
        console.print(f"Without {family}: {why}.", highlight=False)


def rollback(
    to: Annotated[
        str | None, typer.Option("--to", help="A published version. Default: the one before.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make an earlier version current again. A running service switches to it.

    Example: [bold]shopkeeper rollback --to 20260101T120000000Z[/]
    """
    from pipelines.publishing.publish import rollback as roll_back

    pointer = roll_back(load_settings(), to)
    if as_json:
        print_json({"version": pointer.version})
        return
    console.print(f"Current is [bold]{pointer.version}[/].")


def bundles(as_json: JsonOption = False) -> None:
    """List the published bundles, newest first; `rollback --to VERSION` makes one current again.

    Example: [bold]shopkeeper bundles[/]
    """
    store = open_bundle_store(load_settings().bundles_url)
    rows = [_described(store, version) for version in reversed(store.versions())]
    if as_json:
        print_json({"bundles": rows})
        return
    if not rows:
        console.print("No bundle is published. `shopkeeper retrain` trains and publishes one.")
        return
    now = datetime.now(UTC)
    made = [datetime.fromisoformat(row["created_at"]) if row["created_at"] else None for row in rows]
    print_table(
        "",
        [
            Column("version", [row["version"] for row in rows]),
            Column("", ["current" if row["is_current"] else "" for row in rows]),
            Column("made", [ago(moment, now) if moment else "–" for moment in made]),
            Column("families", [row["refused"] or ", ".join(row["families"]) for row in rows], least=20),
        ],
        has_file=False,
    )


def _described(store: BundleStore, version: str) -> dict[str, Any]:
    """A published version, or why it cannot be served."""
    row: dict[str, Any] = {"version": version, "is_current": _is_current(store, version)}
    try:
        manifest = store.open(store.pointer(version)).manifest
    except StorageError as error:
        return row | {"created_at": None, "families": [], "refused": str(error)}
    return row | {"created_at": manifest.created_at.isoformat(), "families": list(manifest.families), "refused": None}


def _is_current(store: BundleStore, version: str) -> bool:
    try:
        return store.current().version == version
    except StorageError:
        return False
