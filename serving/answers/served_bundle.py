"""A published bundle, opened for answering: verified, replayed, held as one object that never changes."""

from collections.abc import Mapping
from dataclasses import dataclass
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
from contracts.errors import BundleRefused
from recsys.data.batch_signals import ItemColumns
from recsys.ranking.ranker import MOMENTS
from recsys.recommender import Recommender
from serving.answers.forecasts.hierarchy import LevelForecasts
from serving.answers.forecasts.items import Forecasts
from serving.answers.item_labels import ItemLabels
from serving.answers.kpis import Kpis
from serving.answers.replay import check_replays
from serving.answers.tables.table import ServedTable

RECOMMENDER_FOLDER: Final = "recommend"
_TABLES: Final = {"customers": (CUSTOMERS_TABLE, c.CUSTOMER_ID), "items": (ITEMS_TABLE, c.ITEM_ID)}


@dataclass(frozen=True)
class ServedBundle:
    """Everything that answers are made of; it never changes."""

    pointer: BundlePointer
    manifest: Manifest
    recommender: Recommender | None
    tables: Mapping[str, ServedTable]  # "customers", "items"
    forecasts: Forecasts | None
    loaded_at: datetime
    item_labels: ItemLabels | None = None  # of the recommender's items
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
