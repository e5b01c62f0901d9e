"""The latest stated stock of each item."""

from datetime import datetime

import ibis

from contracts import columns as c


def stock_told(catalogue: ibis.Table, as_of: datetime) -> ibis.Table:
    """The stock of every item whose latest statement is before `as_of`: item_id, stock, updated_at.

    The catalogue keeps only the latest statement of an item, so there is at most one row per item. Earlier days out of
    stock come from the shop's calendar file, or from runs of zeros that are improbable by chance.
    """
    told = catalogue.filter(catalogue[c.STOCK].notnull(), catalogue[c.UPDATED_AT] < ibis.literal(as_of))
    return told.select(c.ITEM_ID, c.STOCK, c.UPDATED_AT)
