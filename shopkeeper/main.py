"""The `shopkeeper` command: collects the groups of commands and turns our errors into clear messages."""

import logging
import sys

import typer

from contracts.errors import ShopkeeperError
from shopkeeper.output import errors

app = typer.Typer(
    name="shopkeeper",
    help="Recommendations, churn risk and demand forecasts from your store's events.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
)


def run() -> None:
    """Run the command line; an error of ours becomes one message and exit status 1."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        app()
    except ShopkeeperError as error:
        errors.print(f"[bold red]error:[/] {error}", highlight=False, soft_wrap=True)
        sys.exit(1)
