"""The people tables of the warehouse, brought up to date with a call's events: who is who, and who allows what."""

import ibis

from contracts import columns as c
from pipelines.identity.consent import allows_personalization, latest_words
from pipelines.identity.id_links import sightings_of_events, sightings_of_words, together
from pipelines.identity.resolution import IS_USER_ID, PERSON_ID, resolve
from pipelines.ingest.deduplicate import Merged
from pipelines.warehouse.warehouse import Draft, Warehouse


def write_people(warehouse: Warehouse, draft: Draft, merged: Merged) -> None:
    """Write the tables `sightings`, `people` and `consent` of the state that the draft prepares."""
    draft.write_table("sightings", _sightings(warehouse, draft, merged))
    everyone = together(draft.table("sightings"), sightings_of_words(draft.table("words")))
    sightings = warehouse.materialized(everyone)
    people = warehouse.held(resolve(sightings.to_pyarrow()))
    draft.write_table("consent", latest_words(sightings, people).order_by(c.CUSTOMER_ID))
    words = draft.table("consent")
    allowed = words.select(c.CUSTOMER_ID, **{c.ALLOWS_PERSONALIZATION: allows_personalization(words)})
    resolved = people.left_join(allowed, c.CUSTOMER_ID).drop(f"{c.CUSTOMER_ID}_right")
    filled = resolved.mutate(**{c.ALLOWS_PERSONALIZATION: resolved[c.ALLOWS_PERSONALIZATION].fill_null(True)})
    draft.write_table("people", filled.order_by([PERSON_ID, IS_USER_ID]))


def _sightings(warehouse: Warehouse, draft: Draft, merged: Merged) -> ibis.Table:
    if merged.has_replaced:  # what a replaced event had said must be forgotten
        return sightings_of_events(draft.lines())
    return together(warehouse.table("sightings"), sightings_of_events(merged.added))
