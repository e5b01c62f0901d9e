"""`shopkeeper holdout`: assign a control group that is not contacted, and measure a campaign's effect with it."""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pyarrow as pa
import typer

from contracts import columns as c
from contracts.bundle import CUSTOMERS_TABLE, ITEMS_TABLE
from contracts.bundle_store import open_bundle_store
from contracts.errors import InputError, NoBundle
from contracts.files.atomic import PRIVATE, replace_file
from contracts.settings import Settings, load_settings
from shopkeeper.display.console import JsonOption, console, errors, print_json
from shopkeeper.display.progress import steps
from shopkeeper.display.tables import counted

if TYPE_CHECKING:  # imported where it is used: `--help` should not wait for the warehouse
    from pipelines.campaigns.holdout import Assignment
    from pipelines.campaigns.results import Results


class ContactForm(StrEnum):
    """The form of the file with the customers to contact."""

    csv = "csv"
    klaviyo = "klaviyo"
    mailchimp = "mailchimp"


def holdout(
    campaign: Annotated[str, typer.Argument(help="The campaign's name, such as win-back-march.")],
    share: Annotated[float, typer.Option(help="Share of the customers in the control group.")] = 0.1,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            help="column:operator:value, repeatable; which customers take part, as in `shopkeeper customers`. "
            "For example churn_band:eq:high",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="CSV file with the customers to contact. Default: beside the assignments.", show_default=False
        ),
    ] = None,
    form: Annotated[
        ContactForm, typer.Option("--format", help="Of that file; klaviyo and mailchimp import theirs as it is.")
    ] = ContactForm.csv,
    results: Annotated[
        bool, typer.Option("--results", help="Show the campaign's measured effect; assign nothing.")
    ] = False,
    days: Annotated[
        int, typer.Option(min=1, max=365, help="With --results: days after the assignment in which an order counts.")
    ] = 30,
    as_json: JsonOption = False,
) -> None:
    """Assign a campaign's customers at random: a group to contact, and a control group that is not contacted.

    Only customers who consented to marketing take part. Later, --results measures what contacting changed.

    Example: [bold]shopkeeper holdout win-back-march --where churn_band:eq:high[/], and a month later
    [bold]shopkeeper holdout win-back-march --results[/]
    """
    settings = load_settings()
    if results:
        _report(_results(settings, campaign, days), as_json)
        return
    drawn, path = _draw(settings, campaign, share, where or [], output, form)
    if as_json:
        print_json(_draw_json(drawn, path))
        return
    _print_draw(drawn, path)


def _draw(
    settings: Settings, campaign: str, share: float, where: list[str], output: Path | None, form: str
) -> tuple["Assignment", Path]:
    from pipelines.campaigns.holdout import assign_holdout

    if output is not None and not output.resolve().parent.is_dir():
        raise InputError(f"{str(output)!r} cannot be written: its folder does not exist.")
    with steps() as progress:
        among = _among(settings, where) if where else None
        drawn = assign_holdout(settings, campaign, share, among, progress=progress)
        progress("holdout: write")
        path = (output or drawn.path.with_name(f"{campaign}-contact.csv")).resolve()
        content, left_out = _contact_file(settings, drawn.contacted, form)
        replace_file(path, content, PRIVATE)
    if left_out:
        errors.print(f"Left out: {counted(left_out, 'customer')} without an address of their own, which {form} needs.")
    return drawn, path


def _among(settings: Settings, where: list[str]) -> list[str]:
    """The customers of the published bundle who meet every condition."""
    from serving.answers.tables.filters import parse_filter, require_known

    store = open_bundle_store(settings.bundles_url)
    table = store.open(store.current()).table(CUSTOMERS_TABLE)
    conditions = [parse_filter(text, table.schema) for text in where]
    for condition in conditions:
        if condition.column != c.CUSTOMER_ID:
            require_known(condition, table.column(condition.column))
    for condition in conditions:
        table = table.filter(condition.mask(table.column(condition.column)))
    return table[c.CUSTOMER_ID].to_pylist()


def _contact_file(settings: Settings, contacted: pa.ChunkedArray, form: str) -> tuple[bytes, int]:
    """The file for the tool, and how many customers it cannot take."""
    from pipelines.identity.email_addresses import latest_addresses
    from pipelines.warehouse.warehouse import open_warehouse
    from serving.answers.exports.campaign_file import campaign_file
    from serving.answers.tables.table import ServedTable

    published = items = None
    try:
        store = open_bundle_store(settings.bundles_url)
        bundle = store.open(store.current())
        published, items = bundle.table(CUSTOMERS_TABLE), ServedTable(bundle.table(ITEMS_TABLE), c.ITEM_ID)
    except NoBundle:
        pass
    chunks, left_out = campaign_file(form, contacted, latest_addresses(open_warehouse(settings)), published, items)
    return b"".join(chunks), left_out


def _draw_json(drawn: "Assignment", path: Path) -> dict[str, Any]:
    return {
        "campaign": drawn.campaign,
        "assigned_at": drawn.assigned_at.isoformat(),
        "share": drawn.share,
        "contacted": len(drawn.contacted),
        "held_out": len(drawn.held_out),
        "base_rate": drawn.base_rate,
        "smallest_lift": drawn.minimum_detectable_lift,
        "smallest_lift_at_even_shares": drawn.even_detectable_lift,
        "is_new": drawn.is_new,
        "contact_file": str(path),
        "assignments_file": str(drawn.path),
    }


def _print_draw(drawn: "Assignment", path: Path) -> None:
    word = "Assigned" if drawn.is_new else "Assigned before, unchanged"
    console.print(
        f"{word}: contact {counted(len(drawn.contacted), 'customer')}; the control group has {len(drawn.held_out):,}.",
        highlight=False,
    )
    console.print(_power(drawn), highlight=False)
    console.print(f"Customers to contact: {path}", highlight=False, soft_wrap=True)
    console.print(f"Contact only these; later run: shopkeeper holdout {drawn.campaign} --results", highlight=False)


def _power(drawn: "Assignment") -> str:
    from pipelines.campaigns.holdout import MAX_SHARE

    if drawn.minimum_detectable_lift is None:
        return "The detectable effect is unknown: one group is empty, or nobody ordered in the 30 days before."
    advice, even = "", drawn.even_detectable_lift
    if even is not None and even < drawn.minimum_detectable_lift:
        advice = (
            f" To detect a smaller change: --share {MAX_SHARE:g} (and another name) detects {100 * even:.1f} points "
            "with the same customers; four times as many customers detect half the change."
        )
    return (
        f"{drawn.base_rate:.1%} of them ordered in the 30 days before. With 80 % power, this detects a change of "
        f"{100 * drawn.minimum_detectable_lift:.1f} percentage points or more.{advice}"
    )


def _results(settings: Settings, campaign: str, days: int) -> "Results":
    from pipelines.campaigns.results import results

    with steps() as progress:
        return results(settings, campaign, days, progress)


def _report(found: "Results", as_json: bool) -> None:
    if as_json:
        facts = asdict(found) | {"is_split_suspicious": found.is_split_suspicious}
        facts["lift"]["extra_customers"] = found.lift.extra_customers
        print_json(facts | {name: facts[name].isoformat() for name in ("assigned_at", "until")})
        return
    lift = found.lift
    console.print(
        f"{found.campaign}: {lift.contacted_rate:.2%} of {lift.contacted:,} contacted customers ordered, and "
        f"{lift.held_out_rate:.2%} of {lift.held_out:,} in the control group.",
        highlight=False,
    )
    console.print(
        f"Contacting changed that by {100 * lift.lift:+.2f} percentage points (95 % interval "
        f"{100 * lift.lift_low:+.2f} to {100 * lift.lift_high:+.2f}): {lift.extra_customers:+,.0f} buyers.",
        highlight=False,
    )
    if not found.is_complete:
        console.print(f"Not final: orders count until {found.until:%Y-%m-%d}.", highlight=False)
    if found.is_split_suspicious:
        console.print(
            f"[bold red]Do not trust this:[/] {found.drawn_share:.0%} were assigned to the control group, but the "
            f"group sizes do not fit (p = {found.split_p_value:.1g}). One group lost customers.",
            highlight=False,
        )
