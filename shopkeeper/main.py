"""The `shopkeeper` command: registers all commands and prints our errors as messages."""

import logging
import os
import sys

# Before LightGBM is loaded: OpenMP threads that wait by spinning take the cores from whoever has work.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import typer

from contracts.errors import ShopkeeperError
from shopkeeper.commands import (
    audit,
    customers,
    holdout,
    ingest,
    items,
    keys,
    kpis,
    mlflow,
    publish,
    serve,
    simulate,
    status,
    train,
)
from shopkeeper.commands.demo import demo
from shopkeeper.display.console import errors

app = typer.Typer(
    name="shopkeeper",
    help="Recommendations, churn risk and demand forecasts from your store's events.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
)
for command in (
    demo.demo,
    simulate.simulate,
    ingest.ingest,
    train.train,
    train.evaluate,
    publish.publish,
    publish.rollback,
    train.retrain,
    holdout.holdout,
    serve.serve,
    customers.customers,
    items.items,
    customers.forecast,
    kpis.kpis,
    audit.audit,
    status.status,
    mlflow.mlflow,
):
    app.command()(command)
app.add_typer(keys.app, name="keys")


def run() -> None:
    """Run the command line; a ShopkeeperError becomes one message and exit status 1."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        app()
    except ShopkeeperError as error:
        errors.print(f"[bold red]error:[/] {error}", highlight=False, soft_wrap=True)
        sys.exit(1)
