"""Retrain in one call: erase who asked for it, ingest new events, train every family, and publish what is new."""

from dataclasses import dataclass
from datetime import datetime

from contracts.progress import Progress, silent
from contracts.settings import Settings
from pipelines.ingest.ingest import ingest
from pipelines.ingest.report import IngestReport
from pipelines.privacy.erase import erase_waiting
from pipelines.publishing.publish import Published, publish
from pipelines.training.train import Outcome, train


@dataclass(frozen=True)
class Retrained:
    """What each step did."""

    ingested: IngestReport
    outcomes: list[Outcome]
    published: Published | None  # None: nothing is new, and the current bundle stays


def retrain(settings: Settings, as_of: datetime | None = None, progress: Progress = silent) -> Retrained:
    """Erase, ingest, train, and publish; where this run has fitted and scored nothing, the current bundle stays.

    `as_of` is that of `train`: by default, just after the last event.
    """
    erase_waiting(settings, progress)
    ingested = ingest(settings, progress=progress)
    outcomes = train(settings, as_of=as_of, progress=progress)
    is_new = any(outcome.has_table for outcome in outcomes)
    return Retrained(ingested, outcomes, publish(settings, progress) if is_new else None)
