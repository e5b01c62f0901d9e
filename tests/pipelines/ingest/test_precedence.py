from datetime import timedelta
from typing import Any

import ibis
import pytest

from contracts import columns as c
from pipelines.ingest.precedence import PRECEDENCE, is_before, with_precedence
from tests.pipelines.wire import NOW

# (source, hours after the first, content hash), in the order in which they win.
RANKED = [
    ("file", 9, 1),
    ("online_retail", 0, 2),
    ("server:shop", 0, 9),
    ("server:shop", 1, 3),
    ("api:page", 0, 2),
    ("api:other", 1, 1),
    ("api:page", 1, 1),
]


def events(*which: tuple[str, int, int]) -> ibis.Table:
    rows = [(source, NOW + timedelta(hours=hours), content) for source, hours, content in which]
    named = [dict(zip((c.SOURCE, c.RECEIVED_AT, "content_hash"), row, strict=True)) for row in rows]
    return with_precedence(ibis.memtable(named))


def test_files_then_servers_then_pages_and_the_first_of_equals() -> None:
    ordered = events(*reversed(RANKED)).order_by(list(PRECEDENCE)).to_pyarrow().to_pylist()
    assert [(row[c.SOURCE], row["content_hash"]) for row in ordered] == [(source, hash) for source, _, hash in RANKED]


@pytest.mark.parametrize("place", range(len(RANKED)))
def test_two_are_compared_in_the_same_order(place: int) -> None:
    others = events(*RANKED).rename({f"other_{name}": name for name in PRECEDENCE})
    pairs = events(RANKED[place]).cross_join(others)
    found: list[Any] = (
        pairs.select(wins=is_before(pairs, "other_"), at=pairs[f"other_{c.RECEIVED_AT}"])
        .to_pyarrow()["wins"]
        .to_pylist()
    )
    assert found.count(True) == len(RANKED) - 1 - place


@pytest.mark.parametrize("larger", [0, 1])
def test_of_two_refunds_of_files_the_larger_one_stays(larger: int) -> None:
    amounts = [-30.0, 10.0] if larger == 0 else [10.0, 30.0]
    rows = [
        {c.SOURCE: "shop", c.RECEIVED_AT: NOW, "content_hash": place, c.EVENT: "Order Refunded", c.REVENUE: amount}
        for place, amount in enumerate(amounts)
    ]
    ordered = with_precedence(ibis.memtable(rows)).order_by(list(PRECEDENCE)).to_pyarrow().to_pylist()
    assert ordered[0]["content_hash"] == larger
    sales = with_precedence(ibis.memtable([row | {c.EVENT: "Order Completed"} for row in rows]))
    assert sales.order_by(list(PRECEDENCE)).to_pyarrow().to_pylist()[0]["content_hash"] == 0  # control: of a sale not
