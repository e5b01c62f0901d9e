"""Replay: a bundle is served only if it answers as it did when it was made."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from contracts import columns as c
from contracts.bundle import Replay
from contracts.errors import BundleRefused
from contracts.validation.fields import convert
from recsys.recommender import Recommender
from recsys.request import Query
from serving.answers.tables.table import ServedTable

RELATIVE_TOLERANCE: Final = 1e-4  # another processor may round a sum differently

_Parts = tuple[Recommender | None, Mapping[str, ServedTable]]


def check_replays(
    replays: Mapping[str, Sequence[Replay]], recommender: Recommender | None, tables: Mapping[str, ServedTable]
) -> None:
    """Answer every replay; raises BundleRefused at the first answer that differs."""
    for family, requests in replays.items():
        for replay in requests:
            answer = _ROUTES[replay.route]((recommender, tables), replay.request)
            wrong = [name for name, value in replay.expected.items() if not is_same(answer.get(name), value)]
            if wrong:
                raise BundleRefused(f"family {family!r} answers a {replay.route} replay differently: {wrong[:5]}.")


def is_same(answered: Any, expected: Any) -> bool:
    """Equal as JSON, numbers within a rounding error."""
    if isinstance(expected, bool) or isinstance(answered, bool):
        return answered is expected
    if isinstance(expected, (int, float)) and isinstance(answered, (int, float)):
        return math.isclose(answered, expected, rel_tol=RELATIVE_TOLERANCE, abs_tol=RELATIVE_TOLERANCE)
    if isinstance(expected, (list, tuple)) and isinstance(answered, (list, tuple)):
        return len(answered) == len(expected) and all(map(is_same, answered, expected))
    return bool(answered == expected)


def _recommend(parts: _Parts, request: dict[str, Any]) -> dict[str, Any]:
    recommender = parts[0]
    if recommender is None:
        raise BundleRefused("a recommend replay has no recommender to answer it.")
    answer = recommender.recommend(convert(request, Query))
    return {"items": [item.item_id for item in answer.items], "scores": [item.score for item in answer.items]}


def _row(kind: str, key: str) -> Callable[[_Parts, dict[str, Any]], dict[str, Any]]:
    def answer(parts: _Parts, request: dict[str, Any]) -> dict[str, Any]:
        table = parts[1].get(kind)
        row = table.row(request[key]) if table is not None else None
        if row is None:
            raise BundleRefused(f"a replay asks for one of the {kind} that the table does not have.")
        return row

    return answer


_ROUTES: Final = {
    "recommend": _recommend,
    "customer": _row("customers", c.CUSTOMER_ID),
    "item": _row("items", c.ITEM_ID),
}
