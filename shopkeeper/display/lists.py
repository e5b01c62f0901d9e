"""A list on the command line: the options that lists share, and where a list goes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from contracts.errors import InputError
from shopkeeper.display.console import console
from shopkeeper.display.files import write_blocks

if TYPE_CHECKING:
    from serving.answers.tables.list_request import ListRequest
    from serving.answers.tables.table import Found

SCREEN_ROWS: Final = 20

Where = Annotated[
    list[str] | None,
    typer.Option(
        help="column:operator:value, repeatable; for example churn_band:eq:high or inventory_alert:eq:overstock."
    ),
]
Sort = Annotated[
    str | None,
    typer.Option(help="Columns, separated by commas; '-' in front: descending. Default: the most urgent first."),
]
Columns = Annotated[str | None, typer.Option(help="Columns to show, separated by commas.")]
Limit = Annotated[
    int | None, typer.Option(min=1, help=f"Rows. Default: {SCREEN_ROWS} for table and json, otherwise all.")
]
Output = Annotated[
    Path | None, typer.Option(help="File to write; it is replaced when the list is complete.", dir_okay=False)
]
CsvOption = Annotated[bool, typer.Option("--csv", help="Short for --format csv.")]


def form_of(form: str, as_csv: bool, as_json: bool) -> str:
    """The form, of which --csv and --json are short names."""
    return "json" if as_json else "csv" if as_csv else form


def default_limit(form: str) -> int | None:
    """How many rows a form shows without --limit; None: all."""
    return SCREEN_ROWS if form in ("table", "json") else None


def give_list(
    request: "ListRequest", found: "Found", version: str, output: Path | None, print_table: Callable[[], None]
) -> None:
    """Print the table, or write JSON, CSV or Parquet to the file or to standard output."""
    if request.form == "table":
        if output is not None:
            raise InputError("--output needs a --format other than table; csv, for example.")
        print_table()
        return
    positions = found.positions[: request.limit]
    if request.form == "json":
        body = {"bundle_version": version, "total": found.total, "rows": request.rows(positions)}
        write_blocks([(json.dumps(body, indent=2, default=str) + "\n").encode()], output, is_text=True)
    else:
        write_blocks(request.chunks(positions), output, is_text=request.form == "csv")


def say_how_many(shown: int, total: int) -> None:
    """Say that a table shows the first rows only."""
    if total > shown:
        console.print(f"The first {shown} are shown; --limit, or --format csv for all.", highlight=False)
