"""The links of the identity graph: ids that occurred together, the first time, and the last times of consent.

Identity resolution and consent need nothing else. The table is stored beside the events, so that an ingest of a few
events does not read all earlier ones.
"""

import ibis

from contracts import columns as c
from contracts.logs.sources import PAGE
from pipelines.warehouse.schemas import CONSENT_TIMES, FIRST_AT, ID_LINKS, LINKED_IDS, PURPOSES, stated_at


def links_of_events(lines: ibis.Table) -> ibis.Table:
    """`schemas.ID_LINKS` from stored event lines."""
    heads = _with_page_aliases(lines.filter(ibis._[c.LINE] == 0))
    return heads.group_by(list(LINKED_IDS)).agg(**{FIRST_AT: heads[c.OCCURRED_AT].min()}, **_consent_times(heads))


def links_of_statements(statements: ibis.Table) -> ibis.Table:
    """`schemas.ID_LINKS` from `schemas.CONSENT_STATEMENTS`, which link no ids."""
    ids = statements.mutate(**{c.PREVIOUS_ID: ibis.null("string")})
    grouped = ids.group_by(list(LINKED_IDS)).agg(**_consent_times(ids))
    return grouped.mutate(**{FIRST_AT: ibis.null("timestamp('UTC', 6)")}).select(ID_LINKS.names)


def union(*tables: ibis.Table) -> ibis.Table:
    """The union of tables of `schemas.ID_LINKS`, one row per combination of ids."""
    rows = ibis.union(*(table.select(ID_LINKS.names) for table in tables)) if len(tables) > 1 else tables[0]
    latest = {name: rows[name].max() for name in CONSENT_TIMES}
    return rows.group_by(list(LINKED_IDS)).agg(**{FIRST_AT: rows[FIRST_AT].min()}, **latest)


def _with_page_aliases(heads: ibis.Table) -> ibis.Table:
    """The heads, with aliases of pages as what they may be: an anonymous id that becomes a user id.

    Anybody can send events with a page's key. So a page joins no two user ids: a stranger would become a customer.
    """
    is_of_page = heads[c.SOURCE].startswith(PAGE) & heads[c.PREVIOUS_ID].notnull()
    return heads.mutate(
        ibis.ifelse(is_of_page, heads[c.PREVIOUS_ID], heads[c.ANONYMOUS_ID]).name(c.ANONYMOUS_ID),
        ibis.ifelse(is_of_page, None, heads[c.PREVIOUS_ID]).name(c.PREVIOUS_ID),
    )


def _consent_times(rows: ibis.Table) -> dict[str, ibis.Value]:
    return {
        stated_at(purpose, yes=yes): rows[c.OCCURRED_AT].max(where=rows[purpose] if yes else ~rows[purpose])
        for purpose in PURPOSES
        for yes in (True, False)
    }
