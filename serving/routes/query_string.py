"""A recommendation request as a query string: every parameter is declared here, once."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from contracts.errors import FieldProblem, InputError, InvalidFields
from contracts.validation.fields import convert
from recsys.data.interactions import KINDS
from recsys.request import Query


@dataclass(frozen=True)
class Parameter:
    """One parameter: the field of the query that it fills, and how."""

    path: tuple[str, ...]
    description: str
    example: str = ""
    form: str = "one"  # or "flag"; or "list", "mapping", "session", which may be repeated


PARAMETERS: Final = {
    "placement": Parameter(("placement",), "Where the list is shown.", "similar"),
    "customer_id": Parameter(("customer_id",), "Who is looking."),
    "anonymous_id": Parameter(("anonymous_id",), "The anonymous id of the visitor's events."),
    "item_id": Parameter(("item_id",), "The item whose page is open."),
    "cart": Parameter(("cart",), "An item in the cart; repeat it for more.", form="list"),
    "session": Parameter(
        ("session",),
        "The events of this session, `kind:item_id`, oldest first; repeat it for more. Default: what the service saw.",
        "view:sku-9",
        form="session",
    ),
    "k": Parameter(("k",), "How many items."),
    "personalize": Parameter(
        ("personalize",), "false, no consent: only the open item and the cart count.", form="flag"
    ),
    "seed": Parameter(("seed",), "Seeds the draw of exploration."),
    "category": Parameter(("filters", "categories"), "Only of this category; repeat it for more.", form="list"),
    "brand": Parameter(("filters", "brands"), "Only of this brand; repeat it for more.", form="list"),
    "exclude": Parameter(("filters", "exclude_items"), "Not this item; repeat it for more.", form="list"),
    "price_min": Parameter(("filters", "price_min"), "The lowest price."),
    "price_max": Parameter(("filters", "price_max"), "The highest price."),
    "in_stock_only": Parameter(("filters", "in_stock_only"), "false: also items that are sold out.", form="flag"),
    "exclude_known": Parameter(
        ("filters", "exclude_known"), "true: no items that this customer interacted with before.", form="flag"
    ),
    "attribute": Parameter(
        ("filters", "attributes"),
        "Only items with this value of an attribute, `name:value`; repeat it for more.",
        "colour:red",
        form="mapping",
    ),
}


def openapi_parameters(in_path: str | None = None) -> list[dict[str, Any]]:
    """The parameters as OpenAPI describes them; `in_path` names the one in the path."""
    return [
        {
            "name": name,
            "in": "path" if name == in_path else "query",
            "required": name == in_path,
            "description": parameter.description,
            "schema": _SCHEMAS.get(parameter.form, {"type": "array", "items": {"type": "string"}}),
            **({"example": parameter.example} if parameter.example else {}),
        }
        for name, parameter in PARAMETERS.items()
    ]


def parse_query(pairs: Iterable[tuple[str, str]], **fixed: str) -> Query:
    """The query of a query string's (name, value) pairs; `fixed` fields are in the path. Raises InputError."""
    raw: dict[str, Any] = {}
    for name, value in pairs:
        parameter = PARAMETERS.get(name)
        if parameter is None or name in fixed:
            allowed = ", ".join(other for other in PARAMETERS if other not in fixed)
            raise InputError(f"there is no parameter {name[:80]!r}; there are {allowed}.")
        *outer, field = parameter.path
        _PUT[parameter.form](raw.setdefault(outer[0], {}) if outer else raw, field, name, value)
    try:
        return convert(raw | fixed, Query, strict=False)
    except InvalidFields as error:
        raise InvalidFields([FieldProblem(_parameter(path), message) for path, message in error.problems]) from None


def _one(target: dict[str, Any], field: str, name: str, value: str) -> None:
    if field in target:
        raise InputError(f"{name} is given more than once; give it once.")
    if value.lower() == "null" and field not in _TEXTS:
        raise InputError(f"{name} is 'null'; leave it out instead.")
    target[field] = value


def _flag(target: dict[str, Any], field: str, name: str, value: str) -> None:
    _one(target, field, name, _FLAGS.get(value.lower(), value))


def _append(target: dict[str, Any], field: str, name: str, value: str) -> None:
    target.setdefault(field, []).append(value)


def _append_to_attribute(target: dict[str, Any], field: str, name: str, value: str) -> None:
    attribute, separator, wanted = value.partition(":")
    if not separator or not attribute or not wanted:
        raise InputError(f"{name} is {value[:80]!r}; name:value is needed, such as colour:red.")
    target.setdefault(field, {}).setdefault(attribute, []).append(wanted)


def _append_event(target: dict[str, Any], field: str, name: str, value: str) -> None:
    kind, separator, item_id = value.partition(":")
    if not separator or kind not in KINDS:
        raise InputError(f"{name} does not say kind:item_id; kinds are {', '.join(KINDS)}, such as view:sku-9.")
    target.setdefault(field, []).append({"kind": kind, "item_id": item_id})


_FLAGS: Final = dict.fromkeys(("yes", "on", "y", "t"), "true") | dict.fromkeys(("no", "off", "n", "f"), "false")
_TEXTS: Final = ("placement", "customer_id", "anonymous_id", "item_id")
_SCHEMAS: Final = {"one": {"type": "string"}, "flag": {"type": "string"}}
_PUT: Final = {"one": _one, "flag": _flag, "list": _append, "mapping": _append_to_attribute, "session": _append_event}
_NAMES: Final = {parameter.path: name for name, parameter in PARAMETERS.items()}


def _parameter(path: tuple[str, ...]) -> tuple[str, ...]:
    """The path of an error: the parameter whose value is in the field at `path`."""
    return ("query", _NAMES.get(path[:2]) or _NAMES.get(path[:1]) or ".".join(path))
