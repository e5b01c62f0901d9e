"""One id for each item: events may name what they sell by its product id, by its SKU, or by both.

Where both are stated, the SKU is known to be that product's, and events that state the SKU alone mean the product. A
SKU that several products have, or that is itself the id of a product, means nothing more than itself. What a trusted
source has stated of a SKU counts before what pages have stated.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from contracts import columns as c
from contracts.events.ids import id_text
from contracts.events.parse import Event
from contracts.logs.sources import PAGE
from pipelines.warehouse.schemas import IS_OF_PAGE, SKU

if TYPE_CHECKING:  # the workers of ingest import this module, and start in a third of the time without the engine
    import ibis

ALIAS: Final = "alias"

SkuRow = tuple[str, str, bool]  # the columns of `schemas.ITEM_SKUS`


def stated_skus(event: Event, source: str) -> Iterable[SkuRow]:
    """The SKUs that an event states beside the product ids."""
    for product in event.products:
        if product.sku is not None and product.product_id is not None:
            item_id, sku = id_text(product.product_id), id_text(product.sku)
            if item_id and sku and item_id != sku:
                yield item_id, sku, source.startswith(PAGE)


def item_aliases(skus: pa.Table, catalogue_ids: Collection[str]) -> dict[str, str]:
    """The item id of each id that stands for another; `skus` are rows of `schemas.ITEM_SKUS`.

    The item id is the product id, but the SKU where the catalogue has only that, and the product no other.
    """
    of_sku = _by(SKU, c.ITEM_ID, skus)
    of_item = _by(c.ITEM_ID, SKU, skus)
    aliases = {}
    for sku, items in of_sku.items():
        (item, *others) = items
        if others or sku in of_item:
            continue
        if sku in catalogue_ids and item not in catalogue_ids:
            if len(of_item[item]) == 1:
                aliases[item] = sku
        else:
            aliases[sku] = item
    return aliases


def with_item_ids(lines: "ibis.Table", aliases: "ibis.Table") -> "ibis.Table":
    """The lines with one id for each item; `aliases` has the columns alias and item_id."""
    known = aliases.rename({"stands_for": c.ITEM_ID})
    joined = lines.left_join(known, lines[c.ITEM_ID] == known[ALIAS])
    item_id = joined.stands_for.coalesce(joined[c.ITEM_ID])
    return joined.mutate(item_id.name(c.ITEM_ID)).select(lines.columns)


def _by(key: str, value: str, skus: pa.Table) -> dict[str, list[str]]:
    """The values of each key: those that a trusted source stated, else those of pages."""
    found: dict[bool, defaultdict[str, set[str]]] = {True: defaultdict(set), False: defaultdict(set)}
    for row in skus.to_pylist():
        found[row[IS_OF_PAGE]][row[key]].add(row[value])
    return {each: sorted(found[False].get(each) or found[True][each]) for each in {**found[True], **found[False]}}
