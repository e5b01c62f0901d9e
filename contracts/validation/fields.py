"""Checks JSON and TOML values against msgspec types; an error names the field, what was given and what is allowed."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, TypeVar

import msgspec

from contracts.errors import FieldProblem, InputError, InvalidFields

MAX_PROBLEMS: Final = 20
MAX_SHOWN_CHARS: Final = 40
_NULL_TEXT: Final = re.compile(rb'"\s*null\s*"', re.IGNORECASE)  # msgspec would take the text for no value
_ANY_KEY: Final = "..."  # how msgspec writes the key of a dictionary in a path

Form = TypeVar("Form")
_Path = tuple[str, ...]


def decode(body: bytes, form: type[Form]) -> Form:
    """`form` from JSON; numbers and booleans may also be given as text. Raises InvalidFields."""
    strict = _NULL_TEXT.search(body) is not None
    try:
        try:
            return msgspec.json.decode(body, type=form, strict=strict)
        except msgspec.ValidationError as error:
            problems = list(_problems(msgspec.json.decode(body), form, error, strict))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        problems = [FieldProblem((), f"this is not JSON: {error}")]
    raise InvalidFields(problems)


def convert(raw: Any, form: type[Form], *, strict: bool = True) -> Form:
    """`form` from dictionaries, lists and scalars; not strict: also from text. Raises InvalidFields."""
    try:
        return msgspec.convert(raw, form, strict=strict)
    except msgspec.ValidationError as error:
        raise InvalidFields(list(_problems(raw, form, error, strict))) from None


def _problems(raw: Any, form: type, error: msgspec.ValidationError | None, strict: bool) -> Iterator[FieldProblem]:
    """The first problem of each field of `form`, and of each entry of a list in it.

    msgspec reports one problem, so what has it is left out in turn.
    """
    left_out: set[str] = set()
    entries: dict[str, list[int]] = {}  # by field, the numbers of the entries that are left
    for _ in range(MAX_PROBLEMS):
        if error is None:
            return
        problem = _problem(str(error), raw, form, strict)
        field, *inner = problem.path or ("",)
        if field in left_out or (field in entries and not inner):  # needed, or an entry is
            return
        if not isinstance(raw, Mapping) or not field:
            yield problem
            return
        values = raw.get(field)
        if isinstance(values, list) and inner and inner[0].isdigit():
            number = int(inner[0])
            first = entries.setdefault(field, list(range(len(values)))).pop(number)
            yield FieldProblem((field, str(first), *inner[1:]), problem.message)
            raw = {**raw, field: values[:number] + values[number + 1 :]}
        else:
            yield problem
            left_out.add(field)
            raw = {name: value for name, value in raw.items() if name != field}
        error = _error(raw, form, strict)


def _error(raw: Any, form: type, strict: bool) -> msgspec.ValidationError | None:
    with suppress(InputError):
        try:
            msgspec.convert(raw, form, strict=strict)
        except msgspec.ValidationError as error:
            return error
    return None


def _problem(error_text: str, raw: Any, form: type, strict: bool) -> FieldProblem:
    found = re.fullmatch(r"(.*?)(?: - at (?:`key` in )?`\$([^`]*)`)?", error_text, re.DOTALL)
    assert found is not None
    message, place = found[1], found[2] or ""
    path: _Path = tuple(name or index for name, index in re.findall(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]", place))
    while _ANY_KEY in path:
        number = path.index(_ANY_KEY)
        path = (*path[:number], _key(error_text, raw, form, strict, path[:number]), *path[number + 1 :])
    if unknown := re.fullmatch("Object contains unknown field `(.*)`", message, re.DOTALL):
        allowed = ", ".join(_schema(form, path).get("properties", {}))
        return FieldProblem((*path, unknown[1]), f"there is no such field; allowed are {allowed}")
    if missing := re.fullmatch("Object missing required field `(.*)`", message):
        return FieldProblem((*path, missing[1]), "this field is needed")
    if message.startswith("Invalid enum value"):
        expected = f"allowed are {', '.join(_schema(form, path).get('enum', ()))}"
    else:
        expected = message[:1].lower() + message[1:]
    given = _value(raw, path)
    # Ids and texts of a person are not repeated.
    if re.match("expected `(str|array|object)", expected) or not isinstance(given, (str, int, float)):
        return FieldProblem(path, expected)
    shown = repr(given[:MAX_SHOWN_CHARS]) if isinstance(given, str) else str(given)[:MAX_SHOWN_CHARS]
    return FieldProblem(path, f"{shown} was given; {expected}")


def _key(error_text: str, raw: Any, form: type, strict: bool, path: _Path) -> str:
    """The key of the dictionary at `path` whose value is wrong, which msgspec does not say."""
    values = _value(raw, path)
    for key, value in values.items() if isinstance(values, Mapping) else ():
        if str(_error(_replaced(raw, path, {key: value}), form, strict)) == error_text:
            return str(key)
    return "*"


def _value(raw: Any, path: _Path) -> Any:
    for part in path:
        if isinstance(raw, Mapping):
            raw = raw.get(part)
        else:
            raw = raw[int(part)] if isinstance(raw, (list, tuple)) and part.isdigit() and int(part) < len(raw) else None
    return raw


def _replaced(raw: Any, path: _Path, value: Any) -> Any:
    if not path:
        return value
    part, rest = path[0], path[1:]
    if isinstance(raw, Mapping):
        return {**raw, part: _replaced(raw[part], rest, value)}
    return [_replaced(entry, rest, value) if number == int(part) else entry for number, entry in enumerate(raw)]


def _schema(form: type, path: _Path) -> dict[str, Any]:
    """The JSON schema of the value at `path`."""
    (node,), components = msgspec.json.schema_components([form], ref_template="{name}")
    node = _resolved(node, components)
    for part in path:
        below = node["items"] if "items" in node else node.get("properties", {}).get(part)
        node = _resolved(below or node.get("additionalProperties") or {}, components)
    return node


def _resolved(node: dict[str, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    options = (components.get(option.get("$ref", ""), option) for option in node.get("anyOf", [node]))
    return next((option for option in options if option.get("type") != "null"), node)
