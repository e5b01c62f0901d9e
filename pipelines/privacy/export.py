"""All that is held of one person, as one JSON document."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from contracts.privacy.requests import waiting_requests
from contracts.settings import Settings
from pipelines.ingest.ingest import ingest
from pipelines.privacy.person import find_person
from pipelines.privacy.stores.registry import stores
from pipelines.warehouse.warehouse import open_warehouse


def export(settings: Settings, ids: Sequence[str]) -> dict[str, Any]:
    """Everything of the person with these ids, by store; the event log is ingested first, so that all ids are known."""
    ingest(settings)
    at = datetime.now(UTC)
    person = find_person(open_warehouse(settings), ids, at)
    every, waiting = stores(settings), waiting_requests(settings.home)
    return {
        "made_at": at,
        "ids": sorted(person.ids),
        "stores": {store.name: {"class": store.data_class, "rows": store.export(person)} for store in every},
        "erasures_waiting": sum(each.kind == "erase" and bool(person.ids.intersection(each.ids)) for each in waiting),
    }
