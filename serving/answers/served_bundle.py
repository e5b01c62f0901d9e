"""The bundle that is being served: verified, replayed, held as one object, replaced as one object.

Whoever handles a request takes `BundleWatch.served` once. A new bundle is loaded beside the old one and swapped in by
one assignment; when there is any doubt about it, the old one stays and the log, readiness and metrics say so. It is
served *dressed*: under the merchant's policy, and with the items that the shop told since it was made. Replays are
asked before that.
"""

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from contracts import columns as c
from contracts.bundle import (
    COHORTS_TABLE,
    CUSTOMERS_TABLE,
    DEMAND_HISTORY_FILE,
    DEMAND_LEVEL_TOTALS_FILE,
    DEMAND_LEVELS_FILE,
    FORECAST_FILE,
    ITEMS_TABLE,
    KPIS_TABLE,
    Bundle,
    Manifest,
)
from contracts.bundle_store import BundlePointer, BundleStore
from contracts.errors import BundleRefused, NoBundle
from recsys.data.batch_signals import ItemColumns
from recsys.ranking.ranker import MOMENTS
from recsys.recommender import Recommender
from recsys.request import PLACEMENTS, Query
from recsys.reranking.policy import Policy
from serving.answers.catalogue_updates import Arrivals
from serving.answers.forecasts.hierarchy import LevelForecasts
from serving.answers.forecasts.items import Forecasts
from serving.answers.item_labels import Shelf
from serving.answers.kpis import Kpis
from serving.answers.policy_watcher import PolicyWatch
from serving.answers.replay import check_replays
from serving.answers.tables.table import ServedTable

RECOMMENDER_FOLDER: Final = "recommend"
RETRY_REFUSED_SECONDS: Final = 60.0
_TABLES: Final = {"customers": (CUSTOMERS_TABLE, c.CUSTOMER_ID), "items": (ITEMS_TABLE, c.ITEM_ID)}
_NO_BUNDLE: Final = "Nothing has been published yet. Run `shopkeeper retrain`; the service notices by itself."
_BAD_POLICY: Final = (
    " The policy file was changed and cannot be used; the policy before it still counts. The service's log says why."
)

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
    shelf: Shelf | None = None  # of the recommender's items
    kpis: Kpis | None = None  # None where the store had no order
    levels: LevelForecasts | None = None  # None in older bundles, too
    item_columns: ItemColumns | None = None  # of the recommender's items, for a policy to name

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
    policy_refused: bool  # the policy file says something that cannot be used
    detail: str  # for a person; names no paths


def load_bundle(store: BundleStore, pointer: BundlePointer) -> ServedBundle:
    """Verify, open and replay; raises BundleRefused on any doubt."""
    bundle = store.open(pointer)
    try:
        recommender = _recommender(bundle)
        served = ServedBundle(
            pointer=pointer,
            manifest=bundle.manifest,
            recommender=recommender,
            tables={
                name: ServedTable(bundle.table(path), key, bundle.path / path)
                for name, (path, key) in _TABLES.items()
                if bundle.has(path)
            },
            forecasts=_forecasts(bundle),
            loaded_at=datetime.now(UTC),
            kpis=Kpis(bundle.table(KPIS_TABLE), bundle.table(COHORTS_TABLE)) if bundle.has(KPIS_TABLE) else None,
            levels=_levels(bundle),
            item_columns=_item_columns(bundle, recommender),
        )
        check_replays(served.manifest.replays, served.recommender, served.tables)
    except BundleRefused:
        raise
    except Exception as error:  # whatever it was, this bundle is in doubt
        raise BundleRefused(f"bundle {pointer.version} cannot be served: {type(error).__name__}: {error}") from error
    return served


class BundleWatch:
    """Holds the served bundle and follows CURRENT, the policy file and what the shop tells of its items."""

    def __init__(self, store: BundleStore, policy: PolicyWatch | None = None, arrivals: Arrivals | None = None) -> None:
        self._store = store
        self._policy = policy or PolicyWatch(None)
        self._arrivals = arrivals
        self._lock = threading.Lock()  # one at a time dresses
        self._loaded: ServedBundle | None = None  # as it was published
        self._dress: _Dress | None = None  # of what is served
        self._refused_pointer: BundlePointer | None = None
        self._retry_at = 0.0
        self._problem: str | None = None
        self._said_problems: tuple[str, ...] = ()
        self.served: ServedBundle | None = None

    def refresh(self) -> bool:
        """Follow what has moved; true where a bundle was swapped in. Never raises on a bad bundle."""
        before = self._loaded
        problem = self._follow_current()
        self._policy.refresh()
        try:
            self.hear_news()
        except Exception as error:  # what would be served now is in doubt
            problem = f"{type(error).__name__}: {error}"
            if self._loaded is not None and self._loaded is not before:
                self._refused_pointer = self._loaded.pointer
                self._loaded = before
        self._set_problem(problem)
        if self._loaded is before or self.served is None:
            return False
        _log.info("serving bundle %s, as of %s", self.served.version, self.served.as_of().isoformat())
        return True

    def hear_news(self) -> None:
        """Serve the bundle with every item that was told by now, and under the policy in force.

        Raises StorageError where it cannot be read what was told.
        """
        with self._lock:
            if self._arrivals is not None:
                self._arrivals.refresh()
            now = datetime.now(UTC)
            loaded, policy = self._loaded, self._policy.policy
            told = self._arrivals.version if self._arrivals is not None else 0
            if loaded is None or (self._dress is not None and self._dress.fits(loaded, policy, told, now)):
                return
            launch = self._arrivals.next_launch(now) if self._arrivals is not None else None
            self.served = self._dressed(loaded, policy, now)
            self._dress = _Dress(loaded, policy, told, launch)

    def status(self) -> BundleStatus:
        """What is served, and what a person should know about it."""
        version = self.served.version if self.served else None
        detail = f"Bundle {version} is served." if version else _NO_BUNDLE
        if self._problem is not None:
            serving = f"bundle {version} is still served" if version else "nothing can be served"
            detail = (
                f"The published bundle was refused, and {serving}. The service's log says why. Run `shopkeeper "
                "publish` again, or `shopkeeper rollback`."
            )
        detail += _BAD_POLICY if self._policy.is_refused else ""
        return BundleStatus(version, self._problem is not None, self._policy.is_refused, detail)

    def _follow_current(self) -> str | None:
        """Load what CURRENT names, if it has moved; the problem where there is one."""
        try:
            pointer = self._store.current()
            if self._loaded is not None and pointer == self._loaded.pointer:
                return None
            if pointer == self._refused_pointer and time.monotonic() < self._retry_at:
                return self._problem
            self._refused_pointer, self._retry_at = pointer, time.monotonic() + RETRY_REFUSED_SECONDS
            self._loaded = load_bundle(self._store, pointer)
        except NoBundle as error:
            return None if self.served is None else f"CURRENT is gone: {error}"
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        self._refused_pointer = None
        return None

    def _dressed(self, loaded: ServedBundle, policy: Policy, now: datetime) -> ServedBundle:
        recommender = loaded.recommender
        if recommender is None:
            return loaded
        news = self._arrivals.news_to(recommender, now) if self._arrivals is not None else []
        columns = loaded.item_columns.attributes(policy.attribute_names) if loaded.item_columns is not None else None
        recommender = (recommender.told_of(news) if news else recommender).with_policy(policy, columns)
        _answer_every_placement(recommender)
        if recommender.policy_problems != self._said_problems:
            self._said_problems = recommender.policy_problems
            for problem in self._said_problems:
                _log.warning("the policy asks for what bundle %s does not have: %s", loaded.version, problem)
        return replace(loaded, recommender=recommender, shelf=Shelf(recommender.retriever.items))

    def _set_problem(self, problem: str | None) -> None:
        if problem is not None and problem != self._problem:
            served = self.served.version if self.served else "nothing"
            _log.error("the published bundle was refused, still serving %s: %s", served, problem)
        if problem is None and self._problem is not None:
            _log.warning("the published bundle is what is served again")
        self._problem = problem


@dataclass(frozen=True)
class _Dress:
    """What the served bundle was made of."""

    loaded: ServedBundle
    policy: Policy
    told: int
    next_launch: datetime | None

    def fits(self, loaded: ServedBundle, policy: Policy, told: int, now: datetime) -> bool:
        is_same = self.loaded is loaded and self.policy is policy and self.told == told
        return is_same and (self.next_launch is None or now < self.next_launch)


def _answer_every_placement(recommender: Recommender) -> None:
    """Whatever is compiled or looked up at the first question is so before a shopper asks it."""
    ids, customers = recommender.retriever.items.ids, recommender.histories.customers
    if len(ids):
        customer = customers.value(0) if len(customers) else "nobody"
        for placement in PLACEMENTS:
            recommender.recommend(Query(customer_id=customer, item_id=ids.value(0), placement=placement))


def _recommender(bundle: Bundle) -> Recommender | None:
    arrays = bundle.arrays(RECOMMENDER_FOLDER)
    if not arrays:
        return None
    texts = {moment: bundle.text(f"{RECOMMENDER_FOLDER}/ranker_{moment}.txt") for moment in MOMENTS}
    return Recommender.from_arrays(arrays, texts, bundle.json(f"{RECOMMENDER_FOLDER}/parameters.json"))


def _forecasts(bundle: Bundle) -> Forecasts | None:
    if not bundle.has(FORECAST_FILE):
        return None
    past = bundle.table(DEMAND_HISTORY_FILE) if bundle.has(DEMAND_HISTORY_FILE) else None
    return Forecasts(bundle.table(FORECAST_FILE), past)


def _levels(bundle: Bundle) -> LevelForecasts | None:
    if not (bundle.has(DEMAND_LEVELS_FILE) and bundle.has(DEMAND_LEVEL_TOTALS_FILE)):
        return None
    return LevelForecasts(bundle.table(DEMAND_LEVELS_FILE), bundle.table(DEMAND_LEVEL_TOTALS_FILE))


def _item_columns(bundle: Bundle, recommender: Recommender | None) -> ItemColumns | None:
    if recommender is None or not bundle.has(ITEMS_TABLE):
        return None
    families = bundle.manifest.families.values()
    names = [name for family in families if family.kind == "items" for name in family.columns]
    return ItemColumns(bundle.table(ITEMS_TABLE), names, recommender.retriever.items.ids)
