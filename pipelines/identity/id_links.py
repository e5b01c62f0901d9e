"""Sightings: which ids occurred together, when first, and when each last said yes or no to what.

This small table is all that identity and consent need; it is kept beside the events, so that a call that brings a few
events need not read all the old ones.
"""

from typing import Final

import ibis
import pyarrow as pa

from contracts import columns as c
from pipelines.identity.resolution import FIRST_AT

IDS: Final = (c.ANONYMOUS_ID, c.USER_ID, c.PREVIOUS_ID)
PURPOSES: Final = (c.CONSENT_ANALYTICS, c.CONSENT_PERSONALIZATION, c.CONSENT_MARKETING)


def last_said(purpose: str, *, yes: bool) -> str:
    """The column with the time at which consent for the purpose was last given or refused."""
    return f"{purpose}_{'yes' if yes else 'no'}_at"


LAST_SAID: Final = tuple(last_said(purpose, yes=yes) for purpose in PURPOSES for yes in (True, False))
SIGHTINGS: Final = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in IDS),
        pa.field(FIRST_AT, c.TIMESTAMP),  # null: of an event that was suppressed, and links nothing
        *(pa.field(name, c.TIMESTAMP) for name in LAST_SAID),
    ]
)


def sightings_of_events(lines: ibis.Table) -> ibis.Table:
    """`SIGHTINGS` from stored event lines."""
    heads = lines.filter(ibis._[c.LINE] == 0)
    return heads.group_by(list(IDS)).agg(**{FIRST_AT: heads[c.OCCURRED_AT].min()}, **_words(heads))


def sightings_of_words(words: ibis.Table) -> ibis.Table:
    """`SIGHTINGS` from what is remembered of suppressed events."""
    ids = words.mutate(**{c.PREVIOUS_ID: ibis.null("string")})
    grouped = ids.group_by(list(IDS)).agg(**_words(ids))
    return grouped.mutate(**{FIRST_AT: ibis.null("timestamp('UTC', 6)")}).select(SIGHTINGS.names)


def together(*parts: ibis.Table) -> ibis.Table:
    """Several tables of `SIGHTINGS` as one, a row per combination of ids."""
    everything = ibis.union(*(part.select(SIGHTINGS.names) for part in parts)) if len(parts) > 1 else parts[0]
    latest = {name: everything[name].max() for name in LAST_SAID}
    return everything.group_by(list(IDS)).agg(**{FIRST_AT: everything[FIRST_AT].min()}, **latest)


def _words(heads: ibis.Table) -> dict[str, ibis.Value]:
    return {
        last_said(purpose, yes=yes): heads[c.OCCURRED_AT].max(where=heads[purpose] if yes else ~heads[purpose])
        for purpose in PURPOSES
        for yes in (True, False)
    }
