"""A published bundle with its recommender, opened for serving: verified, replayed, one object that never changes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from contracts import columns as c
from contracts.bundle import ITEMS_TABLE, Bundle
from contracts.bundle_store import BundlePointer, BundleStore
from contracts.errors import BundleRefused
from recsys.data.batch_signals import BatchItemSignals
from recsys.files import recommender_of
from recsys.recommender import Recommender
from serving.answers.published import PublishedBundle, read_published
from serving.answers.replay import check_replays

RECOMMENDER_FOLDER: Final = "recommend"


@dataclass(frozen=True)
class ServedBundle(PublishedBundle):
    """Everything that answers are made of; it never changes."""

    pointer: BundlePointer
    loaded_at: datetime
    recommender: Recommender | None
    item_columns: BatchItemSignals | None = None  # batch signals of the recommender's items, which a policy may name

    def row_updated_at(self, item_id: str) -> datetime | None:
        """When the item's row in the recommender's catalogue was updated; None where that is not known."""
        entry, items = self.manifest.families.get(RECOMMENDER_FOLDER), self.tables.get("items")
        if entry is None or items is None or entry.bundle_version != self.version:
            return None  # the recommender was fitted for an earlier bundle, to an earlier catalogue
        updated_at = (items.row(item_id) or {}).get(c.UPDATED_AT)  # as JSON has it
        return None if updated_at is None else datetime.fromisoformat(updated_at)


def load_bundle(store: BundleStore, pointer: BundlePointer) -> ServedBundle:
    """Verify, open and replay; raises BundleRefused if any check fails."""
    bundle = store.open(pointer)
    try:
        published, recommender = read_published(bundle), _recommender(bundle)
        served = ServedBundle(
            **vars(published),
            pointer=pointer,
            loaded_at=datetime.now(UTC),
            recommender=recommender,
            item_columns=_item_columns(bundle, recommender),
        )
        check_replays(served.manifest.replays, served.recommender, served.tables)
    except BundleRefused:
        raise
    except Exception as error:  # any other error, too, means that the bundle cannot be served
        raise BundleRefused(f"bundle {pointer.version} cannot be served: {type(error).__name__}: {error}") from error
    return served


def _recommender(bundle: Bundle) -> Recommender | None:
    arrays = bundle.arrays(RECOMMENDER_FOLDER)
    if not arrays:
        return None
    return recommender_of(arrays, lambda name: bundle.text(f"{RECOMMENDER_FOLDER}/{name}"))


def _item_columns(bundle: Bundle, recommender: Recommender | None) -> BatchItemSignals | None:
    if recommender is None or not bundle.has(ITEMS_TABLE):
        return None
    families = bundle.manifest.families.values()
    names = [name for family in families if family.kind == "items" for name in family.columns]
    return BatchItemSignals(bundle.table(ITEMS_TABLE), names, recommender.retriever.items.ids)
