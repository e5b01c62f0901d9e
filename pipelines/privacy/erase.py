"""Erase a person from every store, and give a receipt.

The event log is ingested first, so that every id that the person's events link is known. Then tombstones keep later
copies of these events out, and each store erases. What fails can be repeated: the request stays until all is done.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from contracts.files.atomic import PRIVATE, replace_file
from contracts.privacy.erasable import Person
from contracts.privacy.receipts import signed
from contracts.privacy.requests import PrivacyRequest, ask, finish_request, waiting_requests
from contracts.privacy.tombstones import FOLDER_MODE, Tombstone, TombstoneFile, hash_of
from contracts.progress import Progress, silent
from contracts.settings import Settings
from pipelines.ingest.ingest import ingest
from pipelines.privacy.person import find_person
from pipelines.privacy.stores.registry import stores, unclaimed_files
from pipelines.warehouse.warehouse import open_warehouse

RECEIPT_FORMAT: Final = 1
_LAST: Final = "bundles"  # after all that bundles are made from


def erase(settings: Settings, ids: Sequence[str], progress: Progress = silent) -> dict[str, Any]:
    """Erase the person with these ids; returns the signed receipt, which is also kept. Raises StorageError."""
    home = settings.home.resolve()
    return erase_requested(settings, ask(home, "erase", list(ids), datetime.now(UTC)), progress)


def erase_waiting(settings: Settings, progress: Progress = silent) -> list[dict[str, Any]]:
    """Work off what was asked for and is not done, such as over HTTP; returns the receipts."""
    return [
        erase_requested(settings, request, progress)
        for request in waiting_requests(settings.home)
        if request.kind == "erase"
    ]


def erase_requested(settings: Settings, request: PrivacyRequest, progress: Progress = silent) -> dict[str, Any]:
    """Work off one request; returns the signed receipt. May be repeated after a failure."""
    home, tombstones = settings.home.resolve(), TombstoneFile(settings.home)
    progress("erase: ingest the event log")
    ingest(settings)
    person = find_person(open_warehouse(settings), request.ids, request.asked_at)
    known = sorted(person.customer_ids)
    tombstones.mark(known, Tombstone(person.until, drops=True))
    erased: dict[str, int] = {}
    cleaned_at = datetime.now(UTC)
    for store in stores(settings):
        progress(f"erase: {store.name}")
        if store.name == _LAST:
            cleaned_at = datetime.now(UTC)
        erased[store.name] = store.erase(person)
    receipt = _receipt(settings, request, person, erased, tombstones.secret())
    _keep(home / "privacy" / "receipts", request.id, receipt)
    tombstones.mark(known, Tombstone(person.until, drops=True, cleaned_at=cleaned_at))
    finish_request(home, request)
    return receipt


def _receipt(
    settings: Settings, request: PrivacyRequest, person: Person, erased: dict[str, int], secret: bytes
) -> dict[str, Any]:
    every = stores(settings)
    return signed(
        {
            "format": RECEIPT_FORMAT,
            "request": request.id,
            "asked_at": _text(request.asked_at),
            "erased_at": _text(datetime.now(UTC)),
            "person": sorted(hash_of(each, secret) for each in person.ids),  # keyed hashes, never ids
            "stores": [
                {"store": store.name, "class": store.data_class, "erased": erased[store.name]} for store in every
            ],
            "not_searched": unclaimed_files(settings.home.resolve(), every),
            "notes": [
                "Events of these ids up to the time of the request are dropped whenever they come again.",
                "What models learnt from all customers together stays until the next training; no id leads to it.",
                "A running service answers from the new bundle within seconds.",
            ],
        },
        secret,
    )


def _keep(folder: Path, name: str, receipt: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    replace_file(folder / f"{name}.json", orjson.dumps(receipt, option=orjson.OPT_INDENT_2), PRIVATE)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
