"""Stock as the shop told it: what stood on the shelf when it was told last."""

from datetime import datetime

import ibis

from contracts import columns as c


def stock_told(catalogue: ibis.Table, as_of: datetime) -> ibis.Table:
    """The stock of every item that has one told before `as_of`: item_id, stock, updated_at.

    Only the latest word is kept of each item, so there is one row per item, and none where it was told later. Days on
    which an item was out of stock earlier come from the shop's calendar file, or from zeros that chance cannot explain.
    """
    told = catalogue.filter(catalogue[c.STOCK].notnull(), catalogue[c.UPDATED_AT] < ibis.literal(as_of))
    return told.select(c.ITEM_ID, c.STOCK, c.UPDATED_AT)
