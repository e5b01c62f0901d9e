"""The whole way in one call: ingest what the service accepted, train every family, publish what passes."""

from dataclasses import dataclass

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
    published: Published | None  # None: no family passed its gate, and what was published before stays


def retrain(settings: Settings, progress: Progress = silent) -> Retrained:
    """Ingest, train, and publish the families that passed their gates in this run, if any did."""
    ingested = ingest(settings, progress=progress)
    outcomes = train(settings, progress=progress)
    has_passed = any(outcome.verdict is not None and outcome.verdict.passed for outcome in outcomes)
    return Retrained(ingested, outcomes, publish(settings, progress) if has_passed else None)
