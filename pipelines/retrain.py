"""The whole way in one call: ingest what the service accepted, train every family, publish what passes."""

from dataclasses import dataclass

from contracts.progress import Progress, silent
from contracts.settings import Settings
from pipelines.counts import IngestReport
from pipelines.ingest import ingest
from pipelines.publish import Published, publish
from pipelines.train import Outcome, train


@dataclass(frozen=True)
class Retrained:
    """What each step did."""

    ingested: IngestReport
    outcomes: list[Outcome]
    published: Published


def retrain(settings: Settings, progress: Progress = silent) -> Retrained:
    """Ingest, train, publish; raises NoBundle where no family passed its gate, and the old bundle stays."""
    ingested = ingest(settings, progress=progress)
    outcomes = train(settings, progress=progress)
    return Retrained(ingested, outcomes, publish(settings, progress))
