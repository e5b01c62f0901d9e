"""`shopkeeper keys`: create, list and revoke the API keys of the service."""

from typing import Annotated, Final

import typer

from contracts.settings import load_settings
from serving.security.api_keys import SCOPES, ApiKey, create_key, read_keys, revoke_key
from shopkeeper.display.console import JsonOption, console, print_json
from shopkeeper.display.tables import Column, print_table, printable

app: Final = typer.Typer(help="API keys of the service: create, list, revoke.", no_args_is_help=True)

ScopeOption = Annotated[
    list[str],
    typer.Option(
        "--scope", help="What the key may do; repeat for more. " + "; ".join(f"{s}: {t}" for s, t in SCOPES.items())
    ),
]


@app.command()
def create(
    scope: ScopeOption,
    name: Annotated[str, typer.Option(help="Where the key will be used; it appears as the source of events.")],
    as_json: JsonOption = False,
) -> None:
    """Create a key and show it; it cannot be shown again.

    Example: shopkeeper keys create --name storefront --scope recommendations:read --scope events:write
    """
    created, key = create_key(load_settings().keys_path, name, scope)
    if as_json:
        print_json({**_public(created), "key": key})
        return
    console.print(f"Key {created.id} for {created.name!r} with {', '.join(created.scopes)}:", highlight=False)
    console.print(key, highlight=False, soft_wrap=True, markup=False)
    console.print("It is not kept and cannot be shown again.", highlight=False)


@app.command("list")
def list_keys(as_json: JsonOption = False) -> None:
    """List the keys, without their secrets.

    Example: shopkeeper keys list --json
    """
    path = load_settings().keys_path
    keys = read_keys(path) if path.exists() else []
    if as_json:
        print_json({"keys": [_public(key) for key in keys]})
        return
    if not keys:
        console.print("There are no keys. Run `shopkeeper keys create --help`.")
        return
    print_table(
        "",
        [
            Column("id", [key.id for key in keys]),
            Column("name", [printable(key.name) for key in keys], least=8),
            Column("scopes", [", ".join(key.scopes) for key in keys], least=16),
            Column("created", [key.created_at[:10] for key in keys]),
            Column("revoked", [(key.revoked_at or "")[:10] for key in keys]),
        ],
        has_file=False,
    )


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="Id or name of the key, as `shopkeeper keys list` shows it.")],
    as_json: JsonOption = False,
) -> None:
    """Revoke a key; a running service refuses it from the next request on.

    Example: shopkeeper keys revoke storefront
    """
    revoked = revoke_key(load_settings().keys_path, key)
    if as_json:
        print_json(_public(revoked))
    else:
        console.print(f"Key {revoked.id} ({revoked.name}) is revoked.", highlight=False)


def _public(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": list(key.scopes),
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }
