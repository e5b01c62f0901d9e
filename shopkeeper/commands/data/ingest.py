"""`shopkeeper ingest`: store events from files and from the live event log in the warehouse."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.errors import InputError
from contracts.settings import load_settings
from shopkeeper.display.console import JsonOption, console, print_json, print_paragraph
from shopkeeper.display.progress import steps
from shopkeeper.display.tables import Column, print_table, printable

if TYPE_CHECKING:
    from pipelines.ingest.report import Counts, IngestReport, Recognized

_HEADS = ("received", "stored", "duplicate", "quarantined", "suppressed")


class DecimalSign(StrEnum):
    """The sign between whole units and cents."""

    point = "."
    comma = ","


FilesArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        help="JSON lines, plain or gzip; exports of shops and e-mail tools, such as Shopify's orders; other CSV or "
        "Parquet with --mapping. Without any, only the event log."
    ),
]
MappingOption = Annotated[
    str | None, typer.Option(help="How columns become events: a shipped mapping's name, or the path of a TOML file.")
]
CatalogueOption = Annotated[
    Path | None, typer.Option(help="Items with name, category, brand, price, stock: CSV, Parquet or JSON lines.")
]
DecimalOption = Annotated[
    DecimalSign | None,
    typer.Option(help="Which sign marks decimals in the amounts of tables, where they do not show it."),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Store nothing; say what would be stored and what would be refused.")
]


def ingest(
    files: FilesArgument = None,
    mapping: MappingOption = None,
    catalogue: CatalogueOption = None,
    decimal: DecimalOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Store events from files, and the events that the service accepted since the last ingest.

    All of a call is stored, or nothing. What was stored before is recognized by its message id and stored once.
    Example: [bold]shopkeeper ingest events.jsonl.gz --catalogue catalogue.csv[/]
    """
    from pipelines.ingest.ingest import ingest as run_ingest

    settings = load_settings()
    with steps() as progress:
        report = run_ingest(
            settings,
            files or (),
            mapping,
            catalogue,
            progress=progress,
            decimal=decimal.value if decimal else None,
            is_dry_run=dry_run,
        )
    if as_json:
        print_json(report.as_dict() | {"seconds": progress.seconds, "examples": report.examples})
    else:
        _print(report)
    total = report.total
    if files and not dry_run and total.received and total.received == total.quarantined.total():
        raise InputError(
            f"nothing was stored: all {total.received:,} records were refused and are in the quarantine, for the "
            "reasons above. docs/events.md describes the format."
        )


def _print(report: "IngestReport") -> None:
    from pipelines.ingest.report import Counts

    for known in report.recognized:
        _print_recognized(known)
    rows = {Path(name).name: counts for name, counts in report.files.items()}
    if len(rows) > 1:
        rows["together"] = report.total
    if report.catalogue is not None:
        rows["catalogue (items)"] = report.catalogue
    numbers = zip(*(_numbers(counts) for counts in rows.values()), strict=True)
    columns = [
        Column(head, [f"{number:,}" for number in of_rows], is_number=True)
        for head, of_rows in zip(_HEADS, numbers, strict=True)
    ]
    print_table("", [Column("", [printable(name) for name in rows], least=16), *columns], has_file=False)
    both = report.total + (report.catalogue or Counts())
    for code, number in sorted(both.quarantined.items()):
        console.print(f"quarantined: {number:,} × {code}", highlight=False)
    for field, number in sorted(both.repairs.items()):
        console.print(f"repaired: {number:,} × {field}", highlight=False, markup=False)
    for conflict in report.conflicts:
        console.print(
            f"conflicting: {conflict.events:,} × {conflict.dropped}, since {conflict.kept} has other content under "
            f"the same message id; {conflict.replaced:,} of them were stored before",
            highlight=False,
            markup=False,
        )
    for note in report.notes:
        print_paragraph(f"note: {note}", indent=2)
    for example in report.examples:
        print_paragraph(f"for example {example}", indent=2)
    if report.is_dry_run:
        console.print("This was a dry run: nothing is stored.", highlight=False)


def _print_recognized(known: "Recognized") -> None:
    """Which format a file has, and what is read of it."""
    print_paragraph(f"{Path(known.file).name}: {known.title}. Reads {', '.join(known.takes)}.", indent=2)
    if known.leaves:
        print_paragraph(f"  Leaves {', '.join(known.leaves)}.", indent=2)


def _numbers(counts: "Counts") -> tuple[int, ...]:
    return counts.received, counts.stored, counts.duplicate, counts.quarantined.total(), counts.suppressed
