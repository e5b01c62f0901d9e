"""The `shopkeeper` command: finds the command that was named, imports only its module, and runs it."""

import logging
import os
import sys
from importlib import import_module
from typing import Annotated, Any, Final

# Before LightGBM is loaded: OpenMP threads that wait by spinning take the cores from whoever has work.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import typer
from typer.core import TyperGroup

from contracts.errors import ShopkeeperError
from shopkeeper.failures import explained

# Section of the help -> command -> where it is and what it does. A test imports each.
COMMANDS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "First steps": {
        "demo": ("demo.demo:demo", "simulate a store, train, publish, serve, show the answers"),
        "simulate": ("simulate:simulate", "write the events of a simulated store"),
        "ingest": ("data.ingest:ingest", "store events from files and from the running service"),
        "mapping": ("data.mapping:app", "propose how the columns of a table become events"),
        "privacy": ("data.privacy:app", "export or erase what is held of one person"),
        "retrain": ("train:retrain", "ingest, train every family, publish"),
        "keys": ("keys:app", "create, list and revoke the service's API keys"),
        "serve": ("serve:serve", "answer over HTTP"),
    },
    "Answers": {
        "customers": ("customers:customers", "who may leave, what each is worth, what to do"),
        "items": ("items:items", "stock, alerts and trends; --to-order: what to order today"),
        "forecast": ("forecast:forecast", "demand of an item, a category, a channel or the store"),
        "kpis": ("kpis:kpis", "orders, revenue, repeat rate, retention, by month"),
        "holdout": ("holdout:holdout", "a campaign's control group, and what the campaign changed"),
        "audit": ("audit:audit", "risk and offers by group of customers"),
    },
    "Models and operation": {
        "status": ("status:status", "what is served, stored and waiting, and what is wrong"),
        "train": ("train:train", "backtest and train families, without publishing"),
        "evaluate": ("train:evaluate", "backtest families; keep nothing"),
        "publish": ("publish:publish", "publish the trained families that passed their gates"),
        "rollback": ("publish:rollback", "make an earlier version current again"),
        "bundles": ("publish:bundles", "list the published versions"),
        "parameters": ("train:parameters", "each family's parameters, their defaults and meanings"),
        "mlflow": ("mlflow:mlflow", "compare training runs in a browser"),
    },
}
_LOCATIONS: Final = {name: place for section in COMMANDS.values() for name, (place, _) in section.items()}
_NAME_WIDTH: Final = 2 + max(map(len, _LOCATIONS))


class LazyGroup(TyperGroup):
    """The commands of the table. A command's module is imported when the command runs or shows its own help."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = dict.fromkeys(_LOCATIONS)  # type: ignore[assignment]  # the names, for suggestions

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # Typer's own Context
        return list(_LOCATIONS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        return load_command(cmd_name) if cmd_name in _LOCATIONS else None

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        formatter.write(help_text())


app: Final = typer.Typer(name="shopkeeper", cls=LazyGroup, no_args_is_help=True, add_completion=False)


def help_text() -> str:
    """What `shopkeeper --help` prints."""
    lines = ["Usage: shopkeeper COMMAND [OPTIONS]", ""]
    lines += ["Recommendations, churn risk and demand forecasts from your store's events.", ""]
    for section, commands in COMMANDS.items():
        lines += [section, *(f"  {name:{_NAME_WIDTH}}{what}" for name, (_, what) in commands.items()), ""]
    lines += ["`shopkeeper COMMAND --help` explains a command. `--version` shows versions.", ""]
    return "\n".join(lines)


def version_text() -> str:
    """What `shopkeeper --version` prints."""
    from importlib.metadata import version

    from contracts.bundle import FORMAT_VERSION

    python = ".".join(map(str, sys.version_info[:3]))
    return f"shopkeeper {version('shopkeeper')}, Python {python}, bundle format {FORMAT_VERSION}"


def load_command(name: str) -> Any:
    """The command of this name, imported."""
    module, _, attribute = _LOCATIONS[name].partition(":")
    found = getattr(import_module(f"shopkeeper.commands.{module}"), attribute)
    if not isinstance(found, typer.Typer):
        single = typer.Typer(add_completion=False, rich_markup_mode="rich")
        single.command(name)(found)
        found = single
    command = typer.main.get_command(found)
    command.name = name
    return command


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(version_text())
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show versions.")
    ] = False,
) -> None:
    """Recommendations, churn risk and demand forecasts from your store's events."""


def run() -> None:
    """Run the command line; an error of ours, or of the machine, becomes one message and exit status 1."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        app()
    except Exception as error:
        advice = str(error) if isinstance(error, ShopkeeperError) else explained(error)
        if advice is None:
            raise
        _print_error(advice)
        sys.exit(1)


def _print_error(text: str) -> None:
    from rich.text import Text

    from shopkeeper.display.console import errors

    errors.print(Text.assemble(("error:", "bold red"), f" {text}"), highlight=False, soft_wrap=True)
