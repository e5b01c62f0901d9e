"""The demo's store: which days it has, also when the demo is run again on a later day."""

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from contracts.errors import InputError
from contracts.files.atomic import replace_file
from contracts.settings import Settings, url_path

if TYPE_CHECKING:
    from pipelines.simulate.parameters import StoreParameters

RECORD: Final = "demo.json"
DAYS: Final = 365


def demo_store(settings: Settings, events: int, last_day: date, is_given: bool) -> "StoreParameters":
    """The parameters of the store in the demo's folder, where there is one, else of a new one that ends on `last_day`.

    Two stores would mix in one warehouse. Raises InputError where the folder has another store than asked for.
    """
    from pipelines.simulate.simulation import parameters_for
    from pipelines.warehouse.file_index import load_index

    record = settings.home / RECORD
    asked = {"events": events, "seed": settings.seed}
    if record.is_file():
        found = json.loads(record.read_text())
        stored_day = date.fromisoformat(found.pop("last_day"))
        if found != asked or (is_given and stored_day != last_day):
            raise InputError(_other_store(settings, f"its events end on {stored_day}"))
        last_day = stored_day
    elif load_index(url_path(settings.warehouse_url)).days:
        raise InputError(_other_store(settings, "an earlier version made it"))
    else:
        settings.home.mkdir(parents=True, exist_ok=True)
        replace_file(record, json.dumps(asked | {"last_day": last_day.isoformat()}).encode())
    return replace(parameters_for(events, DAYS, settings.seed), start=last_day - timedelta(days=DAYS - 1))


def _other_store(settings: Settings, why: str) -> str:
    return (
        f"{settings.home} holds another demo store ({why}). To make a new one, remove it: rm -r {settings.home}; "
        "to look at it, run `make serve` with SHOPKEEPER_HOME set to it."
    )
