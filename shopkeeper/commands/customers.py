"""`shopkeeper customers | forecast`: the published answers, without the service."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from contracts import columns as c
from contracts.bundle import CUSTOMERS_TABLE, DEMAND_HISTORY_FILE, FORECAST_FILE, ITEMS_TABLE, Bundle
from contracts.bundle_store import open_bundle_store
from contracts.errors import InputError, NoBundle
from contracts.settings import Settings, load_settings
from shopkeeper.commands.forecast import give_level_forecast, no_forecast
from shopkeeper.commands.items import items
from shopkeeper.display.console import JsonOption, console, errors, print_json
from shopkeeper.display.customers import print_customers, print_rows, shown_columns
from shopkeeper.display.files import write_blocks
from shopkeeper.display.items import print_forecast

if TYPE_CHECKING:
    from serving.answers.exports.marketing import ContactFormat
    from serving.answers.tables.filters import Condition
    from serving.answers.tables.table import Found, ServedTable

SCREEN_ROWS: Final = 20
# What to see first; of these, the first that the bundle has.
SORTS: Final = (c.VALUE_AT_RISK, c.CHURN_RISK)


class Form(StrEnum):
    """How the list is given."""

    table = "table"
    json = "json"
    csv = "csv"
    parquet = "parquet"
    klaviyo = "klaviyo"
    mailchimp = "mailchimp"


@dataclass(frozen=True)
class _List:
    """A list that was asked for, and the table that it is of."""

    settings: Settings
    bundle: Bundle
    table: "ServedTable"
    conditions: tuple["Condition", ...]
    sort: tuple[str, ...]
    columns: tuple[str, ...]  # empty: those that suit the form
    limit: int | None
    form: Form
    output: Path | None
    is_marketing: bool


Where = Annotated[
    list[str] | None,
    typer.Option("--where", help="column:operator:value, repeatable; for example churn_band:eq:high"),
]
Sort = Annotated[
    str | None,
    typer.Option(help="Columns, separated by commas; '-' in front: descending. Default: what is most at risk first."),
]
Columns = Annotated[str | None, typer.Option(help="Columns to show, separated by commas.")]
Limit = Annotated[
    int | None, typer.Option(min=1, help=f"Rows. Default: {SCREEN_ROWS} for table and json, otherwise all.")
]
FormOption = Annotated[Form, typer.Option("--format", help="klaviyo and mailchimp: CSV that these import as it is.")]
Output = Annotated[
    Path | None, typer.Option(help="File to write; it is replaced when the list is complete.", dir_okay=False)
]
AtRisk = Annotated[
    bool, typer.Option("--at-risk", help="The churn list: risk high or medium, without who has long left.")
]
Marketing = Annotated[
    bool, typer.Option("--marketing", help="Only who agreed to marketing; klaviyo and mailchimp imply it.")
]
WithoutConsent = Annotated[
    bool, typer.Option("--include-without-consent", help="Keep who did not, for messages that need no consent.")
]
CsvOption = Annotated[bool, typer.Option("--csv", help="Short for --format csv.")]


def customers(
    where: Where = None,
    sort: Sort = None,
    columns: Columns = None,
    limit: Limit = None,
    form: FormOption = Form.table,
    output: Output = None,
    at_risk: AtRisk = False,
    marketing: Marketing = False,
    include_without_consent: WithoutConsent = False,
    as_csv: CsvOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the customers of the published bundle: who is about to leave, what each is worth, and what to do.

    Examples:

    [bold]shopkeeper customers --at-risk[/]

    [bold]shopkeeper customers --where orders:ge:3 --sort=-revenue --format csv > loyal.csv[/]

    [bold]shopkeeper customers --at-risk --format klaviyo --output churn.csv[/]
    """
    from serving.answers.exports.marketing import CONTACT_FORMATS, allowed
    from serving.answers.tables.filters import parse_condition
    from serving.answers.tables.table import ServedTable

    settings = load_settings()
    store = open_bundle_store(settings.bundles_url)
    bundle = store.open(store.current())
    table = ServedTable(bundle.table(CUSTOMERS_TABLE), c.CUSTOMER_ID, bundle.path / CUSTOMERS_TABLE)
    form = Form.json if as_json else Form.csv if as_csv else form
    is_marketing = (marketing or form in CONTACT_FORMATS) and not include_without_consent
    asked = tuple(parse_condition(text, table.schema) for text in where or ())
    asked += _at_risk(bundle, table) if at_risk else ()
    wanted = _List(
        settings=settings,
        bundle=bundle,
        table=table,
        conditions=(*asked, allowed(table)) if is_marketing else asked,
        sort=tuple(_names(sort)) if sort is not None else _default_sort(table),
        columns=tuple(table.checked(list(dict.fromkeys(_names(columns))))),
        limit=limit or (SCREEN_ROWS if form in (Form.table, Form.json) else None),
        form=form,
        output=output,
        is_marketing=is_marketing,
    )
    found = _found(wanted)
    if is_marketing:
        count = table.count(asked) - found.total
        _say(f"{count:,} customers are left out: they did not agree to marketing.")
    _give(wanted, found)


def forecast(
    item: Annotated[str | None, typer.Argument(help="Id of the item; without it, what to order today.")] = None,
    by: Annotated[
        Literal["total", "category", "channel"] | None,
        typer.Option(help="Instead of items: the store as a whole, its categories or its channels."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="With --by: only this one, day by day.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV; not of one item.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show an item's demand forecast, day by day, with the band in which 8 of 10 days should fall.

    Before it stands what sold lately. Without an item: the buying list, what is likeliest to run out first.

    Examples:

    [bold]shopkeeper forecast[/]

    [bold]shopkeeper forecast sku-42[/]

    [bold]shopkeeper forecast --by category[/]

    [bold]shopkeeper forecast --by category --name tea --csv > tea.csv[/]
    """
    _check_one_question(item, by, name, as_csv)
    if by is not None:
        give_level_forecast(by, name, "json" if as_json else "csv" if as_csv else "table")
    elif item is None:
        items(to_order=True, as_csv=as_csv, as_json=as_json)
    else:
        _give_item_forecast(item, as_json)


def _check_one_question(item: str | None, by: str | None, name: str | None, as_csv: bool) -> None:
    if item is not None and by is not None:
        raise InputError(f"--by {by} is not about the item {item!r}: leave one of them out.")
    if name is not None and by is None:
        raise InputError(f"--name {name!r} needs --by category or --by channel; an item's id stands without --name.")
    if item is not None and as_csv:
        raise InputError("--csv is for --by and for the buying list; --json gives an item's forecast to programs.")


def _give_item_forecast(item: str, as_json: bool) -> None:
    from serving.answers.forecasts.items import Forecasts
    from serving.answers.tables.table import ServedTable

    store = open_bundle_store(load_settings().bundles_url)
    bundle = store.open(store.current())
    if not bundle.has(FORECAST_FILE):
        raise no_forecast(bundle)
    past = bundle.table(DEMAND_HISTORY_FILE) if bundle.has(DEMAND_HISTORY_FILE) else None
    forecasts = Forecasts(bundle.table(FORECAST_FILE), past)
    days, history = forecasts.days(item), forecasts.history(item)
    row = ServedTable(bundle.table(ITEMS_TABLE), c.ITEM_ID).row(item)
    if not days or row is None:
        known = "it has not sold lately" if row else "no event has named it"
        raise InputError(f"there is no forecast for item {item!r}: {known}.")
    if as_json:
        print_json({"bundle_version": bundle.version, "item": row, "days": days, "history": history})
        return
    print_forecast(f"{row[c.ITEM_NAME] or item}, bundle {bundle.version}", row, days, history)


def _at_risk(bundle: Bundle, table: "ServedTable") -> tuple["Condition", ...]:
    from serving.answers.tables.filters import parse_condition

    if c.CHURN_BAND not in table.columns:
        raise NoBundle(f"bundle {bundle.version} has no churn risk. `shopkeeper train churn` says what it needs.")
    texts = [f"{c.CHURN_BAND}:in:high|medium", *([f"{c.STAGE}:not_in:lapsed"] if c.STAGE in table.columns else [])]
    return tuple(parse_condition(text, table.schema) for text in texts)


def _default_sort(table: "ServedTable") -> tuple[str, ...]:
    return tuple(f"-{name}" for name in SORTS if name in table.columns)[:1]


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def _found(wanted: _List) -> "Found":
    """The rows in order; of marketing lists all, without those who said no after the bundle was made."""
    import numpy as np
    import pyarrow.compute as pc

    from serving.answers.tables.table import Found

    if not wanted.is_marketing:
        every_row = wanted.form in (Form.klaviyo, Form.mailchimp)
        return wanted.table.found(wanted.conditions, wanted.sort, None if every_row else wanted.limit)
    from pipelines.identity.email_addresses import refusing_customers
    from pipelines.warehouse.warehouse import open_warehouse

    found = wanted.table.found(wanted.conditions, wanted.sort)
    refusing = refusing_customers(open_warehouse(wanted.settings))
    agrees: np.ndarray = ~pc.is_in(wanted.table.keys_at(found.positions), refusing).to_numpy()
    return Found(found.positions[agrees], int(np.count_nonzero(agrees)))


def _give(wanted: _List, found: "Found") -> None:
    from serving.answers.exports.marketing import CONTACT_FORMATS

    if wanted.form == Form.table:
        if wanted.output is not None:
            raise InputError("--output needs a --format other than table; csv, for example.")
        _print(wanted, found)
    elif wanted.form == Form.json:
        write_blocks([_json(wanted, found)], wanted.output, is_text=True)
    elif wanted.form in CONTACT_FORMATS:
        write_blocks(_contact_lines(wanted, found, CONTACT_FORMATS[wanted.form]), wanted.output, is_text=True)
    else:
        write_blocks(_file_blocks(wanted, found), wanted.output, is_text=wanted.form == Form.csv)


def _file_blocks(wanted: _List, found: "Found") -> Iterator[bytes]:
    from serving.answers.exports.csv import csv_blocks
    from serving.answers.exports.parquet import parquet_blocks

    blocks = csv_blocks if wanted.form == Form.csv else parquet_blocks
    return blocks(wanted.table, found.positions[: wanted.limit], wanted.columns or wanted.table.columns)


def _contact_lines(wanted: _List, found: "Found", form: "ContactFormat") -> Iterator[bytes]:
    from pipelines.identity.email_addresses import latest_addresses
    from pipelines.warehouse.warehouse import open_warehouse
    from serving.answers.exports.marketing import contact_blocks, contacts, useful_columns, why_no_contacts

    reached = contacts(form, wanted.table, found.positions, latest_addresses(open_warehouse(wanted.settings)))
    problem = why_no_contacts(form, found.total) if not len(reached.positions) else None
    if problem is not None:
        raise InputError(problem)
    if reached.left_out:
        _say(f"{reached.left_out:,} customers are left out: {form.name} needs an address of each one's own.")
    return contact_blocks(
        form, wanted.table, reached.first(wanted.limit), wanted.columns or useful_columns(wanted.table)
    )


def _rows(wanted: _List, found: "Found", columns: Sequence[str]) -> list[dict[str, Any]]:
    cells = wanted.table.cells(found.positions[: wanted.limit], columns)
    return [dict(zip(cells, values, strict=True)) for values in zip(*cells.values(), strict=True)]


def _json(wanted: _List, found: "Found") -> bytes:
    rows = _rows(wanted, found, wanted.columns or wanted.table.columns)
    body = {"bundle_version": wanted.bundle.version, "total": found.total, "rows": rows}
    return (json.dumps(body, indent=2, default=str) + "\n").encode()


def _print(wanted: _List, found: "Found") -> None:
    title = f"{found.total:,} customers, bundle {wanted.bundle.version}"
    if wanted.columns:
        print_rows(title, _rows(wanted, found, wanted.columns), wanted.columns)
        return
    present = [name for name in shown_columns(wanted.table.columns) if name in wanted.table.columns]
    print_customers(title, _rows(wanted, found, present), wanted.table.columns)
    if found.total > (wanted.limit or 0):
        console.print(f"The first {wanted.limit} are shown; --limit, or --format csv for all.", highlight=False)


def _say(text: str) -> None:
    errors.print(text, highlight=False, soft_wrap=True)
