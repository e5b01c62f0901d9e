"""The latest reported stock of each item."""

from datetime import datetime

import ibis

from contracts import columns as c


def reported_stock(catalogue: ibis.Table, as_of: datetime | None) -> ibis.Table:
    """The stock of every item whose latest report is before `as_of`, if given: item_id, stock, updated_at.

    The catalogue keeps only the latest stock of an item, so there is at most one row per item. Earlier days out of
    stock come from the shop's calendar file, or are inferred from runs of days without a sale.
    """
    reported = catalogue.filter(catalogue[c.STOCK].notnull())
    if as_of is not None:
        reported = reported.filter(reported[c.UPDATED_AT] < ibis.literal(as_of))
    return reported.select(c.ITEM_ID, c.STOCK, c.UPDATED_AT)
