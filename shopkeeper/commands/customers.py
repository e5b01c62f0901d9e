"""`shopkeeper customers`: the published list of customers, without the service."""

from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

import typer

from contracts import columns as c
from contracts.campaigns import held_out_customers
from contracts.errors import NoBundle
from contracts.settings import Settings, load_settings
from shopkeeper.display import lists
from shopkeeper.display.console import JsonOption, errors
from shopkeeper.display.customers import print_customers, shown_columns
from shopkeeper.display.files import write_blocks
from shopkeeper.display.tables import counted, print_rows

if TYPE_CHECKING:
    from serving.answers.tables.list_request import ListRequest
    from serving.answers.tables.table import Found, ServedTable

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


FormOption = Annotated[Form, typer.Option("--format", help="klaviyo and mailchimp: CSV that these import as it is.")]
AtRisk = Annotated[
    bool, typer.Option("--at-risk", help="The churn list: risk high or medium, without customers who left long ago.")
]
Marketing = Annotated[
    bool, typer.Option("--marketing", help="Only customers who agreed to marketing; klaviyo and mailchimp imply it.")
]
WithoutConsent = Annotated[
    bool, typer.Option("--include-without-consent", help="Keep customers without consent, for messages that need none.")
]

HeldOut = Annotated[
    bool, typer.Option("--include-held-out", help="Keep the control groups of running campaigns, for other messages.")
]


def customers(
    where: lists.Where = None,
    sort: lists.Sort = None,
    columns: lists.Columns = None,
    limit: lists.Limit = None,
    form: FormOption = Form.table,
    output: lists.Output = None,
    at_risk: AtRisk = False,
    marketing: Marketing = False,
    include_without_consent: WithoutConsent = False,
    include_held_out: HeldOut = False,
    as_csv: lists.CsvOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the customers of the published bundle: who is about to leave, what each is worth, and what to do.

    Examples:

    [bold]shopkeeper customers --at-risk[/]

    [bold]shopkeeper customers --where orders:ge:3 --sort=-revenue --format csv > loyal.csv[/]

    [bold]shopkeeper customers --at-risk --format klaviyo --output churn.csv[/]
    """
    from serving.answers.exports.marketing import CONTACT_FORMATS
    from serving.answers.published import open_published
    from serving.answers.tables.list_request import ListOptions, parse_list

    settings = load_settings()
    bundle = open_published(settings.bundles_url)
    table = bundle.table("customers")
    given = lists.form_of(form, as_csv, as_json)
    options = ListOptions(
        where=[*(where or ()), *(_at_risk(bundle.version, table) if at_risk else ())],
        sort=sort if sort is not None else _default_sort(table),
        columns=columns,
        limit=limit or lists.default_limit(given),
        for_marketing=marketing,
        include_without_consent=include_without_consent,
        held_out=None if include_held_out else partial(held_out_customers, settings),
    )
    request = parse_list("customers", table, given, options)
    found = _find_agreeing(request, settings) if request.consent else request.find(_rows_needed(request))
    if request.consent:
        count = request.without_consent(found)
        _say(f"Left out: {counted(count, 'customer')} without consent to marketing.")
    if request.held_out:
        count = request.left_to_control_groups()
        _say(f"Left out: {counted(count, 'customer')} held out of a running campaign. --include-held-out keeps them.")
    if given in CONTACT_FORMATS:
        _give_contacts(request, found, settings, output, bundle.tables.get("items"))
    else:
        lists.give_list(request, found, bundle.version, output, lambda: _print(request, found, bundle.version))


def _at_risk(version: str, table: "ServedTable") -> list[str]:
    if c.CHURN_BAND not in table.columns:
        raise NoBundle(f"bundle {version} has no churn risk. `shopkeeper train churn` says what it needs.")
    return [f"{c.CHURN_BAND}:in:high|medium", *([f"{c.STAGE}:not_in:lapsed"] if c.STAGE in table.columns else [])]


def _default_sort(table: "ServedTable") -> str:
    return next((f"-{name}" for name in SORTS if name in table.columns), "")


def _rows_needed(request: "ListRequest") -> int | None:
    """All for a contact list: contacts without an address are left out before the limit counts."""
    from serving.answers.exports.marketing import CONTACT_FORMATS

    return None if request.form in CONTACT_FORMATS else request.limit


def _find_agreeing(request: "ListRequest", settings: Settings) -> "Found":
    """All rows in order, without the customers who refused marketing after the bundle was made."""
    import numpy as np
    import pyarrow.compute as pc

    from pipelines.identity.email_addresses import refusing_customers
    from pipelines.warehouse.warehouse import open_warehouse
    from serving.answers.tables.table import Found

    found = request.find(None)
    refusing = refusing_customers(open_warehouse(settings))
    agrees: np.ndarray = ~pc.is_in(request.table.keys_at(found.positions), refusing).to_numpy()
    return Found(found.positions[agrees], int(np.count_nonzero(agrees)))


def _give_contacts(
    request: "ListRequest", found: "Found", settings: Settings, output: lists.Output, items: "ServedTable | None"
) -> None:
    from pipelines.identity.email_addresses import latest_addresses
    from pipelines.warehouse.warehouse import open_warehouse

    chunks, left_out = request.contact_file(found, latest_addresses(open_warehouse(settings)), items)
    if left_out:
        _say(f"Left out: {counted(left_out, 'customer')} without an address of their own, which {request.form} needs.")
    write_blocks(chunks, output, is_text=True)


def _print(request: "ListRequest", found: "Found", version: str) -> None:
    title = f"{counted(found.total, 'customer')}, bundle {version}"
    table, first = request.table, found.positions[: request.limit]
    if request.columns:
        print_rows(title, request.rows(first), request.columns)
        return
    present = [name for name in shown_columns(table.columns) if name in table.columns]
    print_customers(title, table.rows_at(first, present), table.columns)
    lists.say_how_many(len(first), found.total)


def _say(text: str) -> None:
    errors.print(text, highlight=False, soft_wrap=True)
