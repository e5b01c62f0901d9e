"""Every store under the home folder: those of personal data, and what else lies there.

A test runs the program from end to end and fails for a file that neither table names.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from contracts.privacy.erasable import Erasable
from contracts.settings import Settings
from pipelines.privacy.stores.bundles import PublishedStore
from pipelines.privacy.stores.campaigns import CampaignStore
from pipelines.privacy.stores.challengers import TrainedStore
from pipelines.privacy.stores.live_log import LiveLogStore
from pipelines.privacy.stores.quarantine import QuarantineStore
from pipelines.privacy.stores.runs import RunStore
from pipelines.privacy.stores.warehouse import WarehouseStore

# In the order in which they are erased: what is derived from others comes after them.
STORES: Final[tuple[Callable[[Settings], Erasable], ...]] = (
    LiveLogStore,
    WarehouseStore,
    QuarantineStore,
    CampaignStore,
    TrainedStore,
    RunStore,
    PublishedStore,
)
WITHOUT_PEOPLE: Final[dict[str, str]] = {
    "keys.json": "hashes of API keys",
    "items.sqlite*": "updates of items",
    "privacy/secret": "the key of the tombstones' hashes",
    "privacy/tombstones.json": "keyed hashes of erased ids",
    "privacy/requests/*.json": "ids that wait for their erasure, and go with it",
    "privacy/receipts/*.json": "receipts, without ids",
    "warehouse/CURRENT.json": "names and hashes of files",
    "warehouse/ingests.jsonl": "counts of each ingest",
    "warehouse/tables/skus-*.parquet": "SKUs of items",
    "warehouse/tables/catalogue-*.parquet": "items",
    "warehouse/tables/descriptions-*.parquet": "earlier descriptions of items",
    "**/.lock": "empty but for the id of a process",
}


def stores(settings: Settings) -> list[Erasable]:
    """Every store, in the order of erasure."""
    return [make(settings) for make in STORES]


def unclaimed_files(home: Path, claimed: Iterable[Erasable]) -> list[str]:
    """Files under the home folder that no store and no line of `WITHOUT_PEOPLE` names."""
    patterns = [pattern for store in claimed for pattern in store.files]
    known = {path for pattern in [*patterns, *WITHOUT_PEOPLE] for path in home.glob(pattern)}
    return sorted(path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file() and path not in known)
