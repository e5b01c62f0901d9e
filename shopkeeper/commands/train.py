"""`shopkeeper train | evaluate | retrain | parameters`: backtest and fit families."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.markup import escape

from contracts.errors import InputError, NotEnoughData
from contracts.settings import load_settings
from pipelines.families.names import FAMILY_NAMES
from shopkeeper.display.console import JsonOption, console, print_json, print_paragraph
from shopkeeper.display.metrics import MEANINGS, explore_sentence
from shopkeeper.display.progress import steps
from shopkeeper.display.tables import Column, print_table, printable

if TYPE_CHECKING:  # imported where it is used: `--help` should not wait for the models
    from pipelines.training.train import Outcome

FamilyArgument = Annotated[
    list[str] | None,
    typer.Argument(help=f"Families: {', '.join(FAMILY_NAMES)}. Default: all.", show_default=False),
]
AsOfOption = Annotated[
    datetime | None,
    typer.Option(
        "--as-of",
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
        help="Ignore events from this instant (UTC) on. Default: just after the last event.",
        show_default=False,
    ),
]


def train(families: FamilyArgument = None, as_of: AsOfOption = None, as_json: JsonOption = False) -> None:
    """Train families: backtest each on a later window, then fit what answers, the model or its baseline.

    Example: [bold]shopkeeper train churn[/]
    """
    from pipelines.training.train import train as train_families

    settings = load_settings()
    with steps() as progress:
        outcomes = train_families(settings, families or (), _utc(as_of), progress)
    report(outcomes, progress.seconds, as_json)
    _exit_if_failed(outcomes)


def evaluate(families: FamilyArgument = None, as_of: AsOfOption = None, as_json: JsonOption = False) -> None:
    """Backtest families on the latest window against their baselines; keep and publish nothing.

    Example: [bold]shopkeeper evaluate recommend --as-of 2026-01-01[/]
    """
    from pipelines.training.train import evaluate as evaluate_families

    settings = load_settings()
    with steps() as progress:
        outcomes = evaluate_families(settings, families or (), _utc(as_of), progress)
    report(outcomes, progress.seconds, as_json)
    _exit_if_failed(outcomes)


def retrain(as_of: AsOfOption = None, as_json: JsonOption = False) -> None:
    """Ingest the events that the service accepted, train every family, and publish what is new.

    Example: [bold]shopkeeper retrain[/], or [bold]shopkeeper retrain --as-of 2026-01-01[/] for data that end then
    """
    from pipelines.retrain import retrain as retrain_all

    settings = load_settings()
    with steps() as progress:
        result = retrain_all(settings, _utc(as_of), progress)
    if as_json:
        print_json(
            {
                "ingest": result.ingested.as_dict(),
                "families": [_outcome_json(outcome) for outcome in result.outcomes],
                "version": result.published.version if result.published else None,
                "seconds": progress.seconds,
            }
        )
    else:
        report(result.outcomes, progress.seconds, as_json=False)
    if result.published is None:
        raise NotEnoughData("nothing was published: no family has anything new, for the reasons above.")
    if not as_json:
        console.print(f"Published [bold]{result.published.version}[/].")
    _exit_if_failed(result.outcomes)


def parameters(
    family: Annotated[
        str | None, typer.Argument(help=f"One of {', '.join(FAMILY_NAMES)}. Default: all.", show_default=False)
    ] = None,
    form: Annotated[Literal["table", "json", "markdown"], typer.Option("--format", help="How to print.")] = "table",
) -> None:
    """List the parameters of the families: type, default and meaning; for inventory, an item's own terms, too.

    Example: [bold]shopkeeper parameters churn[/]
    """
    from dataclasses import asdict

    from models.inventory.terms import ItemTerms
    from pipelines.families.registry import FAMILIES
    from pipelines.training.described_parameters import described, markdown_table

    if family is not None and family not in FAMILIES:
        raise InputError(f"family {family!r} does not exist; families are {', '.join(FAMILIES)}.")
    listed = {name: described(FAMILIES[name].parameters) for name in FAMILIES if family in (None, name)}
    if "inventory" in listed:
        listed["terms of an item, as attributes in the catalogue"] = described(ItemTerms)
    if form == "json":
        print_json({name: [asdict(each) for each in found] for name, found in listed.items()})
    for name, found in listed.items():
        if form == "markdown":
            typer.echo(f"### {name}\n\n{markdown_table(found)}")
        elif form == "table":
            columns = {
                "parameter": [each.name for each in found],
                "default": [printable(str(each.default)) for each in found],
                "meaning": [each.meaning for each in found],
            }
            console.print()
            print_table(name, [Column(head, cells, least=20) for head, cells in columns.items()], has_file=False)


def report(outcomes: list["Outcome"], seconds: dict[str, float], as_json: bool) -> None:
    """Print the result of each family."""
    if as_json:
        print_json({"families": [_outcome_json(outcome) for outcome in outcomes], "seconds": seconds})
        return
    for outcome in outcomes:
        _print_outcome(outcome)


def _exit_if_failed(outcomes: list["Outcome"]) -> None:
    """Exit with status 1 if a family failed, so that a schedule notices."""
    if any(outcome.failed is not None for outcome in outcomes):
        raise typer.Exit(1)


def _print_outcome(outcome: "Outcome") -> None:
    if outcome.failed is not None:
        console.print(
            f"[bold]{outcome.family}[/]: [red]failed[/]. {escape(outcome.failed)}. The log above has the "
            "details; please report this as a bug. The other families are not affected.\n",
            highlight=False,
        )
        return
    backtest, verdict = outcome.backtest, outcome.verdict
    if verdict is None:
        console.print(f"[bold]{outcome.family}[/]: skipped. {outcome.skipped}\n", highlight=False)
        return
    if backtest is None:
        console.print(f"[bold]{outcome.family}[/]: {verdict.reason}.\nBaseline: {outcome.baseline}.\n", highlight=False)
        return
    window = f"{backtest.window_start:%Y-%m-%d} to {backtest.window_end:%Y-%m-%d}"
    # The others are in --json and in MLflow.
    names = [name for name in outcome.shown_metrics or tuple(backtest.metrics) if name in MEANINGS]
    print_table(
        f"{outcome.family}: {backtest.cases:,} cases, {window}",
        [
            Column("metric", names, least=12),
            Column(outcome.family, [_number(backtest.metrics.get(name)) for name in names], is_number=True),
            Column("baseline", [_number(backtest.baseline_metrics.get(name)) for name in names], is_number=True),
            Column("", [MEANINGS[name][0] for name in names]),
            Column("meaning", [MEANINGS[name][1] for name in names], least=20),
        ],
        has_file=False,
    )
    explored = explore_sentence(backtest.metrics, backtest.baseline_metrics)
    if explored:
        print_paragraph(explored)
    style = {"better": "green", "worse": "red"}.get(verdict.finding, "yellow")
    console.print(f"[{style}]{outcome.family}[/]: {verdict.reason}. {outcome.seconds:.1f} s.", highlight=False)
    if outcome.kept is not None:
        console.print(outcome.kept, highlight=False)
    console.print(f"Baseline: {outcome.baseline}.\n", highlight=False)


def _outcome_json(outcome: "Outcome") -> dict[str, Any]:
    row: dict[str, Any] = {
        "family": outcome.family,
        "baseline": outcome.baseline,
        "seconds": round(outcome.seconds, 3),
        "skipped": outcome.skipped,
        "failed": outcome.failed,
    }
    if outcome.verdict is not None:
        verdict = outcome.verdict
        row |= {
            "verdict": verdict.finding,
            "answered_by": verdict.answers,
            "gate": verdict.reason,
            "gain": [verdict.gain, verdict.gain_low, verdict.gain_high],
            "kept": outcome.kept,
        }
    if outcome.backtest is not None:
        row |= {
            "cases": outcome.backtest.cases,
            "window_start": outcome.backtest.window_start.isoformat(),
            "window_end": outcome.backtest.window_end.isoformat(),
            "metrics": outcome.backtest.metrics,
            "baseline_metrics": outcome.backtest.baseline_metrics,
            "details": outcome.backtest.details,
        }
    return row


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3f}"


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None else None
