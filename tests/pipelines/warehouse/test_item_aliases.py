import json

import ibis
import pyarrow as pa
import pytest

from contracts import columns as c
from contracts.events.parse import parse_event
from pipelines.warehouse.item_aliases import ALIAS, item_aliases, stated_skus, with_item_ids
from pipelines.warehouse.schemas import ITEM_SKUS
from tests.pipelines.wire import NOW, track

TRUSTED, OF_PAGE = False, True


def aliases(*rows: tuple[str, str, bool], catalogue: tuple[str, ...] = ()) -> dict[str, str]:
    columns = list(zip(*rows, strict=True))
    return item_aliases(pa.Table.from_arrays([pa.array(values) for values in columns], schema=ITEM_SKUS), catalogue)


def test_a_sku_is_that_of_its_product() -> None:
    rows = (("7", "tea-s", TRUSTED), ("7", "tea-l", TRUSTED), ("8", "cup", OF_PAGE))
    assert aliases(*rows) == {"tea-s": "7", "tea-l": "7", "cup": "8"}


def test_a_sku_of_two_products_and_one_that_is_a_product_stand_for_themselves() -> None:
    assert aliases(("7", "tea", TRUSTED), ("8", "tea", TRUSTED)) == {}
    assert aliases(("7", "8", TRUSTED), ("8", "cup", TRUSTED)) == {"cup": "8"}


def test_what_a_page_says_does_not_count_against_a_trusted_source() -> None:
    assert aliases(("7", "tea", TRUSTED), ("forged", "tea", OF_PAGE)) == {"tea": "7"}
    assert aliases(("7", "tea", OF_PAGE), ("forged", "tea", OF_PAGE)) == {}


def test_the_id_of_the_catalogue_counts() -> None:
    assert aliases(("7", "tea", TRUSTED), catalogue=("tea",)) == {"7": "tea"}
    assert aliases(("7", "tea", TRUSTED), catalogue=("tea", "7")) == {"tea": "7"}
    assert aliases(("7", "s", TRUSTED), ("7", "l", TRUSTED), catalogue=("s", "l")) == {}


def test_lines_get_one_id_per_item() -> None:
    lines = ibis.memtable({c.ITEM_ID: ["tea", "7", None, "cup"], "n": [1, 2, 3, 4]})
    table = ibis.memtable({ALIAS: ["tea"], c.ITEM_ID: ["7"]})
    found = with_item_ids(lines, table).order_by("n").to_pyarrow()
    assert found[c.ITEM_ID].to_pylist() == ["7", "7", None, "cup"]


@pytest.mark.parametrize(
    ("product", "expected"),
    [
        ({"product_id": "7", "sku": "tea"}, [("7", "tea", OF_PAGE)]),
        ({"product_id": 7, "sku": "7"}, []),
        ({"sku": "tea"}, []),
        ({"product_id": "7", "sku": ""}, []),
    ],
)
def test_an_event_states_skus(product: dict[str, object], expected: list[tuple[str, str, bool]]) -> None:
    event = parse_event(json.dumps(track("m", "Product Viewed", properties=product, anonymousId="a")).encode(), NOW)
    assert list(stated_skus(event, "api:web")) == expected
    assert all(not by_page for *_, by_page in stated_skus(event, "server:shop"))
