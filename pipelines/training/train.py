"""Train families: judge each on a later window, gate it, fit it on everything, keep it as a candidate."""

import dataclasses
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import ibis
from threadpoolctl import threadpool_limits

from contracts.bundle import Bundle
from contracts.bundle_store import open_bundle_store
from contracts.errors import InputError, NotEnoughData, SettingsError, StorageError
from contracts.progress import Progress, silent
from contracts.settings import Settings
from pipelines.campaigns.holdout import campaigns
from pipelines.families.family import Backtest, Family, PreviousFit, TrainingData
from pipelines.families.registry import FAMILIES
from pipelines.families.run_cache import RunCache
from pipelines.training.challengers import Candidate, CandidateStore
from pipelines.training.gate import Verdict, judge
from pipelines.training.tracking import Tracker
from pipelines.warehouse import views
from pipelines.warehouse.warehouse import Warehouse, open_warehouse

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What became of one family; `skipped` says what data it needs, where it lacked them."""

    family: str
    baseline: str  # in words
    seconds: float
    backtest: Backtest | None = None
    verdict: Verdict | None = None
    skipped: str | None = None


class _Tables(NamedTuple):
    """What all families look at, opened once, and what they share."""

    events: ibis.Table
    catalogue: ibis.Table
    campaigns: ibis.Table
    cache: RunCache


def evaluate(
    settings: Settings, names: Sequence[str] = (), as_of: datetime | None = None, progress: Progress = silent
) -> list[Outcome]:
    """Judge families on the latest window against their baselines; fit nothing for publishing, keep nothing."""
    return _each_family(settings, names, as_of, progress, keep=False)


def train(
    settings: Settings, names: Sequence[str] = (), as_of: datetime | None = None, progress: Progress = silent
) -> list[Outcome]:
    """Judge, gate and fit families (all, or `names`), and keep each as a candidate for publishing.

    A family that lacks data is skipped, with what it needs, and the others go on.
    """
    return _each_family(settings, names, as_of, progress, keep=True)


def default_as_of(warehouse: Warehouse) -> datetime:
    """Just after the last event, but never later than now: a clock that runs ahead must not move the cut."""
    last = warehouse.event_window().last
    if last is None:
        raise NotEnoughData("the store has no events yet. Run `shopkeeper ingest FILE` first.")
    return min(last + timedelta(microseconds=1), datetime.now(UTC))


def family_parameters(family: Family, settings: Settings) -> Any:
    """The family's parameters, as the settings change them; raises SettingsError for unknown names and wrong values."""
    overrides = settings.families.get(family.name, {})
    allowed = [field.name for field in dataclasses.fields(family.parameters)]
    unknown = sorted(set(overrides) - set(allowed))
    if unknown:
        raise SettingsError(f"families.{family.name}: {unknown[0]!r} is unknown; allowed are {', '.join(allowed)}.")
    try:
        return family.parameters(**overrides)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"families.{family.name}: {error}") from None


def _each_family(
    settings: Settings, names: Sequence[str], as_of: datetime | None, progress: Progress, *, keep: bool
) -> list[Outcome]:
    families = _chosen(names)
    warehouse = open_warehouse(settings)
    cut = as_of or default_as_of(warehouse)
    if keep:
        progress("open MLflow's store")
    tracker = Tracker(settings.mlflow_url, settings.home.resolve() / "mlartifacts") if keep else None
    served, tables = _served(settings), _tables(settings, warehouse)
    with threadpool_limits(settings.threads):
        return [_one_family(family, settings, tables, cut, progress, tracker, served) for family in families]


def _tables(settings: Settings, warehouse: Warehouse) -> _Tables:
    return _Tables(
        views.events(warehouse), views.catalogue(warehouse), warehouse.register(campaigns(settings)), RunCache()
    )


def _served(settings: Settings) -> Bundle | None:
    """The bundle that is served now, or None where there is none that could be."""
    store = open_bundle_store(settings.bundles_url)
    try:
        return store.open(store.current())
    except StorageError:
        return None


def _previous_fit(served: Bundle | None, name: str) -> PreviousFit | None:
    entry = served.manifest.families.get(name) if served is not None else None
    return PreviousFit(served.path / name, entry.as_of) if served is not None and entry is not None else None


def _chosen(names: Sequence[str]) -> list[Family]:
    unknown = [name for name in names if name not in FAMILIES]
    if unknown:
        raise InputError(f"family {unknown[0]!r} does not exist; families are {', '.join(FAMILIES)}.")
    return [family for name, family in FAMILIES.items() if not names or name in names]


def _one_family(
    family: Family,
    settings: Settings,
    tables: _Tables,
    as_of: datetime,
    progress: Progress,
    tracker: Tracker | None,
    served: Bundle | None,
) -> Outcome:
    started, started_at = time.monotonic(), datetime.now(UTC)
    data = TrainingData(
        events=tables.events,
        catalogue=tables.catalogue,
        campaigns=tables.campaigns,
        as_of=as_of,
        parameters=family_parameters(family, settings),
        seed=settings.seed,
        threads=settings.threads,
        progress=progress,
        previous=_previous_fit(served, family.name),
        required={name: family_parameters(FAMILIES[name], settings) for name in family.requires},
        cache=tables.cache,
    )
    log.info("%s: parameters %s", family.name, dataclasses.asdict(data.parameters))
    try:
        progress(f"{family.name}: backtest")
        backtest = family.backtest(data)
        verdict = judge(family, backtest)
        if tracker is not None:
            _keep(family, data, backtest, verdict, settings, tracker, started_at)
    except NotEnoughData as error:
        return Outcome(family.name, family.baseline, time.monotonic() - started, skipped=str(error))
    return Outcome(family.name, family.baseline, time.monotonic() - started, backtest, verdict)


def _keep(
    family: Family,
    data: TrainingData,
    backtest: Backtest,
    verdict: Verdict,
    settings: Settings,
    tracker: Tracker,
    started_at: datetime,
) -> None:
    fitted = None
    if verdict.passed:
        data.progress(f"{family.name}: fit")
        fitted = family.fit(data)
    data.progress(f"{family.name}: record")
    parameters = dataclasses.asdict(data.parameters) | {"seed": data.seed}
    run_id, version = tracker.record(
        family.name,
        parameters=parameters,
        tags={
            "as_of": data.as_of.isoformat(),
            "test_window": f"{backtest.window_start.isoformat()} to {backtest.window_end.isoformat()}",
            "baseline": family.baseline,
            "gate": verdict.words,
            "gate_passed": str(verdict.passed).lower(),
        },
        metrics=backtest.metrics,
        baseline_metrics=backtest.baseline_metrics,
        details=backtest.details,
        started_at=started_at,
    )
    candidate = Candidate(
        family=family.name,
        kind=family.kind,
        as_of=data.as_of,
        trained_at=started_at,
        passed=verdict.passed,
        gate=verdict.words,
        baseline=family.baseline,
        cases=backtest.cases,
        test_window_start=backtest.window_start,
        test_window_end=backtest.window_end,
        metrics=backtest.metrics,
        baseline_metrics=backtest.baseline_metrics,
        details=backtest.details,
        parameters=parameters,
        run_id=run_id,
        model_version=version,
        columns=fitted.columns if fitted else {},
        replays=fitted.replays if fitted else [],
    )
    CandidateStore(settings.candidates_path).save(candidate, fitted, backtest.predictions)
