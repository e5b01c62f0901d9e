"""`shopkeeper publish | rollback`: choose the bundle that the service answers from."""

from typing import Annotated

import typer

from contracts.settings import load_settings
from shopkeeper.display.console import JsonOption, console, print_json
from shopkeeper.display.progress import steps


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
