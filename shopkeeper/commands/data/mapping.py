"""`shopkeeper mapping`: the mappings that say how the columns of a table become events or items."""

from pathlib import Path
from typing import Annotated, Final

import typer

from shopkeeper.display.console import print_paragraph

app: Final = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode="rich")


@app.callback()
def mapping() -> None:
    """How the columns of a table become events or items of the catalogue.

    Example: [bold]shopkeeper mapping draft sales.csv --output sales.toml[/]
    """


@app.command("draft")
def draft(
    file: Annotated[Path, typer.Argument(help="A CSV or Parquet file.")],
    output: Annotated[Path | None, typer.Option(help="TOML file to write. Default: print it.")] = None,
) -> None:
    """Propose a mapping from a file's header and first rows. Nothing is stored.

    Example: [bold]shopkeeper mapping draft sales.csv --output sales.toml[/], then
    [bold]shopkeeper ingest sales.csv --mapping sales.toml --dry-run[/]
    """
    from contracts.errors import InputError
    from contracts.files.atomic import replace_file
    from pipelines.ingest.readers.formats.head import read_head
    from pipelines.ingest.readers.formats.registry import recognize
    from pipelines.ingest.readers.tables.draft import draft_mapping

    known = recognize(file, read_head(file))
    if known is not None:
        typer.echo(f"# This is an export of the format {known.name}; shopkeeper ingest reads it without a mapping.")
        return
    if output is not None and output.exists():
        raise InputError(f"{output} exists already; give another --output, or remove it.")
    text = draft_mapping(file)
    if output is None:
        typer.echo(text, nl=False)
    else:
        replace_file(output, text.encode())
        print_paragraph(f"{output} is written; check it, then: shopkeeper ingest {file} --mapping {output} --dry-run")


@app.command("formats")
def formats() -> None:
    """List the exports that need no mapping."""
    from pipelines.ingest.readers.formats.registry import FORMATS

    for each in FORMATS:
        typer.echo(each.name)
