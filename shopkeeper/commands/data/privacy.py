"""`shopkeeper privacy export | erase | verify`: what is held of one person, and its erasure."""

import sys
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer
from msgspec.structs import asdict

from contracts.errors import InputError
from contracts.files.atomic import PRIVATE, replace_file
from contracts.privacy.receipts import verify as verify_receipt
from contracts.privacy.requests import finish_request, waiting_requests
from contracts.privacy.tombstones import TombstoneFile
from contracts.settings import load_settings
from shopkeeper.display.console import JsonOption, console, print_json
from shopkeeper.display.progress import steps
from shopkeeper.display.tables import Column, print_table

app: Final = typer.Typer(
    help="What is held of one person: export it, erase it. Example: shopkeeper privacy erase ada@example.org",
    no_args_is_help=True,
)

_HELP: Final = "A user id, an anonymous id, a customer id or an e-mail address; repeat for more of one person."
_WHAT_TO_DO: Final = {
    "erase": "Run `shopkeeper privacy erase`, or wait for the next `shopkeeper retrain`.",
    "export": "Run `shopkeeper privacy export` with the ids, give the person the file, then use --done.",
    "erase_shop": "Stop the service and delete the home folder; or use --done if the shop stays.",
}
OutputOption = Annotated[Path | None, typer.Option("--output", "-o", help="Where to write it; default: the terminal.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Erase without asking again.")]


@app.command()
def export(customer: Annotated[list[str], typer.Argument(help=_HELP)], output: OutputOption = None) -> None:
    """Everything that is held of a person, as one JSON document: events, consent, predictions, lists.

    `-` reads the ids from standard input, one a line. Example: shopkeeper privacy export ada@example.org -o ada.json
    """
    settings = load_settings()
    from pipelines.privacy.export import export as export_person

    ids = sys.stdin.read().splitlines() if customer == ["-"] else customer
    document = orjson.dumps(export_person(settings, ids), option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z, default=str)
    if output is None:
        typer.echo(document.decode())
        return
    replace_file(output, document, PRIVATE)
    console.print(f"Written to {output}, which only its owner can read.", highlight=False)


@app.command()
def erase(
    customer: Annotated[list[str] | None, typer.Argument(help=f"{_HELP} None: what was asked for over HTTP.")] = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Erase a person from every store, and give a signed receipt. This cannot be undone.

    Example: shopkeeper privacy erase customer-17 --yes
    """
    from pipelines.privacy.erase import erase as erase_person
    from pipelines.privacy.erase import erase_waiting

    if customer and not yes and not typer.confirm(f"Erase everything that is held of {', '.join(customer)}?"):
        raise InputError("nothing was erased.")
    with steps() as progress:
        settings = load_settings()
        receipts = [erase_person(settings, customer, progress)] if customer else erase_waiting(settings, progress)
    if as_json:
        print_json({"receipts": receipts})
        return
    for receipt in receipts:
        _print(receipt)
    if not receipts:
        console.print("No erasure is waiting.")


@app.command()
def retain(as_json: JsonOption = False) -> None:
    """Delete what is older than retention_days, quarantine_days and bundle_days say; put it beside `retrain`.

    Example: shopkeeper privacy retain
    """
    from pipelines.privacy.retain import retain as retain_data

    deleted = retain_data(load_settings())
    if as_json:
        print_json({"deleted": deleted})
        return
    columns = [
        Column("store", list(deleted)),
        Column("deleted", [f"{count:,}" for count in deleted.values()], is_number=True),
    ]
    print_table("Too old", columns, has_file=False)


@app.command()
def requests(
    done: Annotated[str | None, typer.Option("--done", help="Forget this request: you have answered it.")] = None,
    as_json: JsonOption = False,
) -> None:
    """What people have asked for over HTTP or Shopify and is not done.

    Example: shopkeeper privacy requests
    """
    home = load_settings().home
    waiting = waiting_requests(home)
    if done is not None:
        found = [each for each in waiting if each.id == done]
        if not found or found[0].kind == "erase":
            raise InputError(f"no request {done[:80]!r} for an export or of a shop is waiting; an erasure ends itself.")
        finish_request(home, found[0])
        waiting.remove(found[0])
    if as_json:
        print_json({"requests": [{**asdict(each), "what_to_do": _WHAT_TO_DO[each.kind]} for each in waiting]})
        return
    for each in waiting:
        text = f"{each.id} of {each.asked_at:%Y-%m-%d}: {each.kind} {', '.join(each.ids)}. {_WHAT_TO_DO[each.kind]}"
        console.print(text, highlight=False, markup=False)
    if not waiting:
        console.print("No request is waiting.")


@app.command()
def verify(
    receipt: Annotated[Path, typer.Argument(help="The file of a receipt.")],
    as_json: JsonOption = False,
) -> None:
    """Whether this installation has signed the receipt, and nobody changed it since.

    Example: shopkeeper privacy verify receipt.json
    """
    try:
        raw = receipt.read_bytes()
    except OSError as error:
        raise InputError(f"the receipt {receipt} cannot be read ({error}).") from None
    checked = verify_receipt(raw, TombstoneFile(load_settings().home).secret())
    if as_json:
        print_json({"valid": True, "receipt": checked})
        return
    console.print("The receipt is this installation's and unchanged.")
    _print(checked)


def _print(receipt: dict[str, Any]) -> None:
    stores = receipt["stores"]
    columns = [
        Column("store", [each["store"] for each in stores]),
        Column("erased", [f"{each['erased']:,}" for each in stores], is_number=True),
    ]
    print_table(f"Erased at {receipt['erased_at'][:19]} UTC, receipt {receipt['request']}", columns, has_file=False)
    for path in receipt["not_searched"]:
        console.print(f"Not searched, since it is no file of Shopkeeper's: {path}", highlight=False, markup=False)
