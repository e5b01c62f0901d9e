"""Update the identity tables of the warehouse by the events of one ingest."""

import ibis

from contracts import columns as c
from pipelines.identity.consent import allows_personalization, latest_consent
from pipelines.identity.id_links import links_of_events, links_of_statements, union
from pipelines.identity.resolution import resolve
from pipelines.warehouse.schemas import IS_USER_ID, PERSON_ID
from pipelines.warehouse.warehouse import Draft, Warehouse


def write_identity_tables(warehouse: Warehouse, draft: Draft, added: ibis.Table, *, has_replaced: bool) -> None:
    """Write the tables of identity links, customers and consent for the state that the draft prepares.

    `added` holds the event lines that are new; `has_replaced` says whether they replaced stored events.
    """
    draft.write_table("sightings", _id_links(warehouse, draft, added, has_replaced=has_replaced))
    id_links = warehouse.cache(union(draft.table("sightings"), links_of_statements(draft.table("words"))))
    identity_map = warehouse.register(resolve(id_links.to_pyarrow()))
    draft.write_table("consent", latest_consent(id_links, identity_map).order_by(c.CUSTOMER_ID))
    consent = draft.table("consent")
    allowed = consent.select(c.CUSTOMER_ID, **{c.ALLOWS_PERSONALIZATION: allows_personalization(consent)})
    joined = identity_map.left_join(allowed, c.CUSTOMER_ID).drop(f"{c.CUSTOMER_ID}_right")
    filled = joined.mutate(**{c.ALLOWS_PERSONALIZATION: joined[c.ALLOWS_PERSONALIZATION].fill_null(True)})
    draft.write_table("people", filled.order_by([PERSON_ID, IS_USER_ID]))


def _id_links(warehouse: Warehouse, draft: Draft, added: ibis.Table, *, has_replaced: bool) -> ibis.Table:
    if has_replaced:  # the links of a replaced event must go
        return links_of_events(draft.lines())
    return union(warehouse.table("sightings"), links_of_events(added))
