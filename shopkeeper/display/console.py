"""The console: results go to standard output, as text or JSON, everything else to standard error."""

import json
import sys
import textwrap
from typing import Annotated, Any, Final

import typer
from rich.console import Console

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
MAX_TEXT_WIDTH: Final = 100  # of running text: longer lines are hard to read

console = Console()
errors = Console(stderr=True)


def print_json(value: Any) -> None:
    """Print one JSON object on standard output, without styles."""
    json.dump(value, sys.stdout, indent=2, default=str)
    sys.stdout.write("\n")


def print_paragraph(text: str, indent: int = 0) -> None:
    """Print running text, wrapped between words; `indent` is that of the second line on. Paths are not broken."""
    width = min(console.width, MAX_TEXT_WIDTH)
    lines = textwrap.wrap(text, width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)
    console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)
