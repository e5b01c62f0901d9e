"""`shopkeeper audit`: compare groups of customers in the published list."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.bundle import CUSTOMERS_TABLE
from contracts.bundle_store import open_bundle_store
from contracts.errors import NoBundle
from contracts.settings import load_settings
from shopkeeper.display.console import JsonOption, console, print_json
from shopkeeper.display.tables import NOTHING, Column, print_table, printable

if TYPE_CHECKING:
    from pipelines.campaigns.fairness_audit import Audit, Cell

TOO_FEW = NOTHING
_HEADS = ("group", "customers", "mean risk", "offers", "predicted", "stayed away", "cases")
_WRAPPED = {"group": 12, "mean risk": 5, "stayed away": 6}


def audit(
    minimum_cell: Annotated[int, typer.Option(min=1, help="Smaller groups are not shown on their own.")] = 30,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with status 1 if there is a warning.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show risk, offers and calibration by region, channel, device and newness; warn of gaps above 20 %.

    A warning does not prove unfairness. Find out why the groups differ before you use the list.

    Example: [bold]shopkeeper audit --minimum-cell 50[/]
    """
    from pipelines.campaigns.fairness_audit import audit as audited
    from pipelines.campaigns.fairness_audit import read_backtest

    store = open_bundle_store(load_settings().bundles_url)
    bundle = store.open(store.current())
    if not bundle.has(CUSTOMERS_TABLE):
        raise NoBundle(f"bundle {bundle.version} has no customers' table. `shopkeeper train churn` says what it needs.")
    found = audited(bundle.table(CUSTOMERS_TABLE), read_backtest(bundle), minimum_cell)
    if as_json:
        print_json({"bundle_version": bundle.version, "minimum_cell": minimum_cell} | asdict(found))
    else:
        _print_audit(bundle.version, found, minimum_cell)
    if strict and found.gaps:
        raise typer.Exit(1)


def _print_audit(version: str, found: "Audit", minimum_cell: int) -> None:
    console.print(f"Customers with an order, bundle {version}", highlight=False)
    for grouping, cells in found.groupings.items():
        texts = zip(*(_shown(cell) for cell in (*cells, found.overall)), strict=True)
        columns = [
            Column(head, text, is_number=head != "group", least=_WRAPPED.get(head))
            for head, text in zip(_HEADS, texts, strict=True)
        ]
        console.print()
        print_table(f"By {grouping}", columns, has_file=False)
    console.print()
    console.print(
        "Mean risk and offers are those of today. Predicted is the mean risk in the backtest, stayed away the share "
        f"that did not order. {TOO_FEW}: fewer than {minimum_cell} customers, or no data.",
        highlight=False,
        style="dim",
    )
    for note in found.notes:
        console.print(note, highlight=False)
    for gap in found.gaps:
        console.print(f"[bold yellow]warning:[/] {gap.words}", highlight=False)
    if not found.gaps:
        console.print("No group differs by more than 20 % beyond chance.")


def _shown(cell: "Cell") -> list[str]:
    rates = (cell.risk, cell.offer_rate, cell.predicted, cell.actual)
    shares = [TOO_FEW if rate is None else f"{rate:.1%}" for rate in rates]
    return [printable(cell.group), f"{cell.customers:,}", *shares, TOO_FEW if cell.cases is None else f"{cell.cases:,}"]
