"""Retrain in one call: ingest new events, train every family, and publish those that pass their gates."""

from dataclasses import dataclass
from datetime import datetime

from contracts.progress import Progress, silent
from contracts.settings import Settings
from pipelines.ingest.ingest import ingest
from pipelines.ingest.report import IngestReport
from pipelines.publishing.publish import Published, publish
from pipelines.training.train import Outcome, train


@dataclass(frozen=True)
class Retrained:
    """What each step did."""

    ingested: IngestReport
    outcomes: list[Outcome]
    published: Published | None  # None: no family passed its gate, and the current bundle stays


def retrain(settings: Settings, as_of: datetime | None = None, progress: Progress = silent) -> Retrained:
    """Ingest, train, and publish the families that passed their gates in this run, if any did.

    `as_of` is that of `train`: by default, just after the last event.
    """
    ingested = ingest(settings, progress=progress)
    outcomes = train(settings, as_of=as_of, progress=progress)
    has_passed = any(outcome.verdict is not None and outcome.verdict.passed for outcome in outcomes)
    return Retrained(ingested, outcomes, publish(settings, progress) if has_passed else None)
