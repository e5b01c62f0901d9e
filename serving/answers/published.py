"""What a published bundle says about customers, items, demand and the store, without the recommender.

The HTTP routes and the command line read a bundle through this module.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
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
from contracts.bundle_store import open_bundle_store
from contracts.errors import NoBundle
from serving.answers.forecasts.hierarchy import HierarchyForecasts
from serving.answers.forecasts.items import DEMAND, Forecasts
from serving.answers.kpis import Kpis
from serving.answers.tables.table import ServedTable

_TABLES: Final = {"customers": (CUSTOMERS_TABLE, c.CUSTOMER_ID), "items": (ITEMS_TABLE, c.ITEM_ID)}


class NotInBundle(NoBundle):
    """The published bundle lacks what was asked for; `code` is stable and short, the message is for a person."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class PublishedBundle:
    """The parts of a bundle that are read, not scored; memory-mapped, they never change."""

    manifest: Manifest
    tables: Mapping[str, ServedTable]  # "customers", "items"
    forecasts: Forecasts | None
    hierarchy: HierarchyForecasts | None  # None in older bundles, too
    kpis: Kpis | None  # None if the store had no order

    @property
    def version(self) -> str:
        return self.manifest.version

    def as_of(self, family: str | None = None) -> datetime:
        """The cut-off of one family, or of the most recent one."""
        if family is not None and family in self.manifest.families:
            return self.manifest.families[family].as_of
        return max((entry.as_of for entry in self.manifest.families.values()), default=self.manifest.window_end)

    def table(self, kind: str) -> ServedTable:
        """The table of "customers" or "items"; raises NotInBundle."""
        table = self.tables.get(kind)
        if table is None:
            message = f"Bundle {self.version} has no table of {kind}. Run `shopkeeper retrain`."
            raise NotInBundle("no-table", message)
        return table

    def item_forecasts(self) -> Forecasts:
        """The demand forecasts of items; raises NotInBundle."""
        if self.forecasts is None:
            message = f"Bundle {self.version} has no demand forecast. `shopkeeper train {DEMAND}` says what it needs."
            raise NotInBundle("no-forecasts", message)
        return self.forecasts

    def hierarchy_forecasts(self) -> HierarchyForecasts:
        """The demand forecasts of the store, its categories and its channels; raises NotInBundle."""
        if self.hierarchy is None:
            self.item_forecasts()
            message = (
                f"Bundle {self.version} forecasts items only; an older Shopkeeper made it. "
                f"Run `shopkeeper train {DEMAND}`, then `shopkeeper publish`."
            )
            raise NotInBundle("no-levels", message)
        return self.hierarchy

    def store_kpis(self) -> Kpis:
        """The store's KPIs; raises NotInBundle."""
        if self.kpis is None:
            message = (
                f"Bundle {self.version} has no figures: there was no order when it was made. "
                "Run `shopkeeper ingest FILE` with orders in it, then `shopkeeper publish`."
            )
            raise NotInBundle("no-kpis", message)
        return self.kpis


def open_published(bundles_url: str) -> PublishedBundle:
    """The current bundle of a store, verified; raises NoBundle and BundleRefused."""
    store = open_bundle_store(bundles_url)
    return read_published(store.open(store.current()))


def read_published(bundle: Bundle) -> PublishedBundle:
    """The parts that the bundle has; raises BundleRefused if one of them is malformed."""
    return PublishedBundle(
        manifest=bundle.manifest,
        tables={
            kind: ServedTable(bundle.table(path), key, bundle.path / path)
            for kind, (path, key) in _TABLES.items()
            if bundle.has(path)
        },
        forecasts=_forecasts(bundle),
        hierarchy=_hierarchy(bundle),
        kpis=Kpis(bundle.table(KPIS_TABLE), bundle.table(COHORTS_TABLE)) if bundle.has(KPIS_TABLE) else None,
    )


def _forecasts(bundle: Bundle) -> Forecasts | None:
    if not bundle.has(FORECAST_FILE):
        return None
    past = bundle.table(DEMAND_HISTORY_FILE) if bundle.has(DEMAND_HISTORY_FILE) else None
    return Forecasts(bundle.table(FORECAST_FILE), past)


def _hierarchy(bundle: Bundle) -> HierarchyForecasts | None:
    if not (bundle.has(DEMAND_LEVELS_FILE) and bundle.has(DEMAND_LEVEL_TOTALS_FILE)):
        return None
    return HierarchyForecasts(bundle.table(DEMAND_LEVELS_FILE), bundle.table(DEMAND_LEVEL_TOTALS_FILE))
