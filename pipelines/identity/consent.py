"""Consent: the latest word of each customer for each purpose.

The word with the latest `occurred_at` counts, whichever of the customer's ids it came through and in whichever order
the events arrived; a yes and a no of the same instant are a no. A customer who refuses analytics keeps the events of
before, but new ones are suppressed at ingest, and nothing is personalized for them.
"""

from typing import Final

import ibis
import pyarrow as pa

from contracts import columns as c
from pipelines.identity.id_links import LAST_SAID, PURPOSES, last_said
from pipelines.identity.resolution import IS_USER_ID, PERSON_ID

# One row per customer who ever said anything; null: said nothing about that purpose.
CONSENT: Final = pa.schema(
    [pa.field(c.CUSTOMER_ID, pa.string(), nullable=False), *(pa.field(purpose, pa.bool_()) for purpose in PURPOSES)]
)


def latest_words(sightings: ibis.Table, people: ibis.Table) -> ibis.Table:
    """`CONSENT` from `SIGHTINGS` and `PEOPLE`."""
    speakers = with_person(sightings, people)
    latest = speakers.group_by(c.CUSTOMER_ID).agg(**{name: speakers[name].max() for name in LAST_SAID})
    words = latest.select(c.CUSTOMER_ID, **{purpose: _word(latest, purpose) for purpose in PURPOSES})
    return words.filter(ibis.or_(*(words[purpose].notnull() for purpose in PURPOSES)))


def allows_personalization(consent: ibis.Table) -> ibis.Value:
    """True unless the customer refused personalization, or analytics, on which it rests."""
    return consent[c.CONSENT_PERSONALIZATION].fill_null(True) & consent[c.CONSENT_ANALYTICS].fill_null(True)


def with_person(table: ibis.Table, people: ibis.Table) -> ibis.Table:
    """The table with the columns of `people` for the person behind each row: the user id's, else the anonymous id's."""
    keyed = table.mutate(
        **{IS_USER_ID: table[c.USER_ID].notnull(), PERSON_ID: ibis.coalesce(table[c.USER_ID], table[c.ANONYMOUS_ID])}
    )
    return keyed.left_join(people, [IS_USER_ID, PERSON_ID]).drop(IS_USER_ID, PERSON_ID)


def _word(latest: ibis.Table, purpose: str) -> ibis.Value:
    yes, no = latest[last_said(purpose, yes=True)], latest[last_said(purpose, yes=False)]
    return ibis.cases((yes.notnull() & no.notnull(), yes > no), (yes.notnull(), True), (no.notnull(), False))
