"""The latest consent of each customer, per purpose.

The statement with the latest `occurred_at` counts, from any of the customer's ids, in whichever order the events
arrived. If consent is given and refused at the same instant, the refusal counts. If a customer refuses analytics, the
earlier events are kept, new ones are suppressed at ingest, and nothing is personalized for the customer.
"""

import ibis

from contracts import columns as c
from pipelines.warehouse.schemas import CONSENT_TIMES, PURPOSES, stated_at
from pipelines.warehouse.views import with_customer


def latest_consent(id_links: ibis.Table, identity_map: ibis.Table) -> ibis.Table:
    """`schemas.CONSENT` from `schemas.ID_LINKS` and `schemas.IDENTITY_MAP`."""
    links = with_customer(id_links, identity_map)
    latest = links.group_by(c.CUSTOMER_ID).agg(**{name: links[name].max() for name in CONSENT_TIMES})
    consent = latest.select(c.CUSTOMER_ID, **{purpose: _is_given(latest, purpose) for purpose in PURPOSES})
    return consent.filter(ibis.or_(*(consent[purpose].notnull() for purpose in PURPOSES)))


def allows_personalization(consent: ibis.Table) -> ibis.Value:
    """True unless the customer refused personalization, or analytics, which personalization requires."""
    return consent[c.CONSENT_PERSONALIZATION].fill_null(True) & consent[c.CONSENT_ANALYTICS].fill_null(True)


def _is_given(latest: ibis.Table, purpose: str) -> ibis.Value:
    yes, no = latest[stated_at(purpose, yes=True)], latest[stated_at(purpose, yes=False)]
    return ibis.cases((yes.notnull() & no.notnull(), yes > no), (yes.notnull(), True), (no.notnull(), False))
