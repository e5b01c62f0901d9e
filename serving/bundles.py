"""The bundle that is being served: verified, replayed, held as one object, replaced as one object.

Whoever handles a request takes `BundleWatch.served` once. A new bundle is loaded beside the old one and swapped in by
one assignment; when there is any doubt about it, the old one stays and the log, readiness and metrics say so.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from contracts import columns as c
from contracts.bundle import CUSTOMERS_TABLE, FORECAST_FILE, ITEMS_TABLE, Bundle, Manifest
from contracts.bundle_store import BundlePointer, BundleStore
from contracts.errors import BundleRefused, NoBundle
from recsys.recommender import Recommender
from serving.forecasts import Forecasts
from serving.replay import check_replays
from serving.tables import ServedTable

RECOMMENDER_FOLDER: Final = "recommend"
RETRY_REFUSED_SECONDS: Final = 60.0
_TABLES: Final = {"customers": (CUSTOMERS_TABLE, c.CUSTOMER_ID), "items": (ITEMS_TABLE, c.ITEM_ID)}
_NO_BUNDLE: Final = "Nothing has been published yet. Run `shopkeeper retrain`; the service notices by itself."

_log: Final = logging.getLogger("serving.bundles")


@dataclass(frozen=True)
class ServedBundle:
    """Everything that answers are made of; it never changes."""

    pointer: BundlePointer
    manifest: Manifest
    recommender: Recommender | None
    tables: Mapping[str, ServedTable]  # "customers", "items"
    forecasts: Forecasts | None
    loaded_at: datetime

    @property
    def version(self) -> str:
        return self.manifest.version

    def as_of(self, family: str | None = None) -> datetime:
        """The instant up to which events were seen: by one family, or by the most recent of them."""
        if family is not None and family in self.manifest.families:
            return self.manifest.families[family].as_of
        return max((entry.as_of for entry in self.manifest.families.values()), default=self.manifest.window_end)


@dataclass(frozen=True)
class BundleStatus:
    """Whether something can be served, and whether what is served is what was published."""

    served_version: str | None
    refused: bool  # CURRENT names something that cannot be served
    detail: str  # for a person; names no paths


def load_bundle(store: BundleStore, pointer: BundlePointer) -> ServedBundle:
    """Verify, open and replay; raises BundleRefused on any doubt."""
    bundle = store.open(pointer)
    try:
        served = ServedBundle(
            pointer=pointer,
            manifest=bundle.manifest,
            recommender=_recommender(bundle),
            tables={
                name: ServedTable(bundle.table(path), key) for name, (path, key) in _TABLES.items() if bundle.has(path)
            },
            forecasts=Forecasts(bundle.table(FORECAST_FILE)) if bundle.has(FORECAST_FILE) else None,
            loaded_at=datetime.now(UTC),
        )
        check_replays(served.manifest.replays, served.recommender, served.tables)
    except BundleRefused:
        raise
    except Exception as error:  # whatever it was, this bundle is in doubt
        raise BundleRefused(f"bundle {pointer.version} cannot be served: {type(error).__name__}: {error}") from error
    return served


class BundleWatch:
    """Holds the served bundle and follows CURRENT."""

    def __init__(self, store: BundleStore) -> None:
        self._store = store
        self._refused_pointer: BundlePointer | None = None
        self._retry_at = 0.0
        self._problem: str | None = None
        self.served: ServedBundle | None = None

    def refresh(self) -> bool:
        """Follow CURRENT where it has moved; true where a bundle was swapped in. Never raises on a bad bundle."""
        try:
            pointer = self._store.current()
            if self.served is not None and pointer == self.served.pointer:
                self._set_problem(None)
                return False
            if pointer == self._refused_pointer and time.monotonic() < self._retry_at:
                return False
            self._refused_pointer, self._retry_at = pointer, time.monotonic() + RETRY_REFUSED_SECONDS
            self.served = load_bundle(self._store, pointer)
        except NoBundle as error:
            self._set_problem(None if self.served is None else f"CURRENT is gone: {error}")
            return False
        except Exception as error:
            self._set_problem(f"{type(error).__name__}: {error}")
            return False
        self._refused_pointer = None
        self._set_problem(None)
        _log.info("serving bundle %s, as of %s", self.served.version, self.served.as_of().isoformat())
        return True

    def status(self) -> BundleStatus:
        """What is served, and what a person should know about it."""
        version = self.served.version if self.served else None
        if self._problem is None:
            return BundleStatus(version, False, f"Bundle {version} is served." if version else _NO_BUNDLE)
        serving = f"bundle {version} is still served" if version else "nothing can be served"
        detail = (
            f"The published bundle was refused, and {serving}. The service's log says why. Run `shopkeeper publish` "
            "again, or `shopkeeper rollback`."
        )
        return BundleStatus(version, True, detail)

    def _set_problem(self, problem: str | None) -> None:
        if problem is not None and problem != self._problem:
            served = self.served.version if self.served else "nothing"
            _log.error("the published bundle was refused, still serving %s: %s", served, problem)
        if problem is None and self._problem is not None:
            _log.warning("the published bundle is what is served again")
        self._problem = problem


def _recommender(bundle: Bundle) -> Recommender | None:
    arrays = bundle.arrays(RECOMMENDER_FOLDER)
    if not arrays:
        return None
    ranker, parameters = f"{RECOMMENDER_FOLDER}/ranker.txt", f"{RECOMMENDER_FOLDER}/parameters.json"
    return Recommender.from_arrays(arrays, bundle.text(ranker), bundle.json(parameters))
