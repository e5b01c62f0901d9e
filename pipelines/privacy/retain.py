"""Delete what is older than the settings keep it, by class of data."""

from datetime import UTC, datetime, timedelta
from typing import Final

from contracts.privacy.erasable import DataClass
from contracts.settings import Settings
from pipelines.privacy.stores.registry import stores

# The setting with the days of each class.
RETENTION: Final[dict[DataClass, str]] = {
    "events": "retention_days",
    "campaigns": "retention_days",
    "quarantine": "quarantine_days",
    "predictions": "bundle_days",
    "log": "event_log_days",
}


def retain(settings: Settings, now: datetime | None = None) -> dict[str, int]:
    """By store, how many rows, files or versions were too old and are deleted. Raises StorageError."""
    moment = now or datetime.now(UTC)
    days = {name: timedelta(days=getattr(settings, setting)) for name, setting in RETENTION.items()}
    return {store.name: store.expire(moment - days[store.data_class]) for store in stores(settings)}
