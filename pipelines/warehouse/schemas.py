"""The schema of every table of the warehouse, and of the parts that ingest stages before it writes them."""

from typing import Final

import pyarrow as pa

from contracts import columns as c

# --- events ---------------------------------------------------------------------------------------
CONTENT_HASH: Final = "content_hash"  # tells apart different events that came under one message id
SEQUENCE: Final = "sequence"  # number of the event within the call

STORED: Final = pa.schema([*c.EVENT_LINES, pa.field(CONTENT_HASH, pa.int64(), nullable=False)])
STAGED: Final = pa.schema([*STORED, pa.field(SEQUENCE, pa.int64(), nullable=False)])

# --- consent --------------------------------------------------------------------------------------
PURPOSES: Final = (c.CONSENT_ANALYTICS, c.CONSENT_PERSONALIZATION, c.CONSENT_MARKETING)

# What is kept of an event whose sender refused analytics: who stated which consent, and when; no behaviour.
CONSENT_STATEMENTS: Final = pa.schema(
    [
        STORED.field(name)
        for name in (
            c.MESSAGE_ID,
            c.OCCURRED_AT,
            c.RECEIVED_AT,
            c.SOURCE,
            c.ANONYMOUS_ID,
            c.USER_ID,
            *PURPOSES,
            CONTENT_HASH,
        )
    ]
)

# The latest consent: one row per customer who stated any; null where a purpose was never stated.
CONSENT: Final = pa.schema(
    [pa.field(c.CUSTOMER_ID, pa.string(), nullable=False), *(pa.field(purpose, pa.bool_()) for purpose in PURPOSES)]
)


def stated_at(purpose: str, *, yes: bool) -> str:
    """The column of `ID_LINKS` with the time at which consent for the purpose was last given or refused."""
    return f"{purpose}_{'yes' if yes else 'no'}_at"


CONSENT_TIMES: Final = tuple(stated_at(purpose, yes=yes) for purpose in PURPOSES for yes in (True, False))

# --- identity -------------------------------------------------------------------------------------
PERSON_ID: Final = "person_id"
IS_USER_ID: Final = "is_user_id"
FIRST_AT: Final = "first_at"

# The links of the identity graph: one row per combination of ids that occurred together.
LINKED_IDS: Final = (c.ANONYMOUS_ID, c.USER_ID, c.PREVIOUS_ID)
ID_LINKS: Final = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in LINKED_IDS),
        pa.field(FIRST_AT, c.TIMESTAMP),  # null: of an event that was suppressed, and links nothing
        *(pa.field(name, c.TIMESTAMP) for name in CONSENT_TIMES),
    ]
)

# The customer of every id: one row per user id and one per anonymous id.
IDENTITY_MAP: Final = pa.schema(
    [
        pa.field(IS_USER_ID, pa.bool_(), nullable=False),
        pa.field(PERSON_ID, pa.string(), nullable=False),
        pa.field(c.CUSTOMER_ID, pa.string(), nullable=False),
        pa.field(c.IS_KNOWN, pa.bool_(), nullable=False),
    ]
)

# The same with what the customer allows, so that one join gives `columns.EVENTS`.
IDENTITY_MAP_WITH_CONSENT: Final = pa.schema([*IDENTITY_MAP, c.EVENTS.field(c.ALLOWS_PERSONALIZATION)])

# --- items ----------------------------------------------------------------------------------------
SKU: Final = "sku"
IS_OF_PAGE: Final = "is_of_page"  # stated with a page key, which anybody can read in the page

# The SKUs that events stated beside the product ids.
ITEM_SKUS: Final = pa.schema(
    [
        pa.field(c.ITEM_ID, pa.string(), nullable=False),
        pa.field(SKU, pa.string(), nullable=False),
        pa.field(IS_OF_PAGE, pa.bool_(), nullable=False),
    ]
)

# --- the tables, by their names on disk -----------------------------------------------------------
TABLES: Final = {
    "people": IDENTITY_MAP_WITH_CONSENT,
    "consent": CONSENT,
    "sightings": ID_LINKS,
    "words": CONSENT_STATEMENTS,
    "skus": ITEM_SKUS,
    "quarantine": c.QUARANTINE,
    "catalogue": c.CATALOGUE,
    "descriptions": c.CATALOGUE,  # each time a row of the catalogue changed, but for stock
}
