"""Train families: backtest each on a later window, apply its gate, fit it on everything, keep it as a challenger."""

import dataclasses
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import ibis
import msgspec
from threadpoolctl import threadpool_limits

from contracts.bundle import FORMAT_VERSION, Bundle
from contracts.bundle_store import open_bundle_store
from contracts.errors import BundleRefused, InputError, NotEnoughData, SettingsError, StorageError
from contracts.progress import Progress, silent
from contracts.settings import Settings
from pipelines.campaigns.holdout import campaigns
from pipelines.families.family import Backtest, Family, FittedFamily, PreviousFit, Rescored, TrainingData
from pipelines.families.registry import FAMILIES
from pipelines.families.run_cache import RunCache
from pipelines.training.challengers import Challenger, ChallengerStore
from pipelines.training.gate import Verdict, apply_gate
from pipelines.training.tracking import Tracker
from pipelines.warehouse import views
from pipelines.warehouse.warehouse import Warehouse, open_warehouse

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """The result of one family; `skipped` says what data it needs, where the store lacks them."""

    family: str
    baseline: str  # in words
    seconds: float
    backtest: Backtest | None = None
    verdict: Verdict | None = None
    skipped: str | None = None
    kept: str | None = None  # where the gate failed: what the served version of the family says instead
    shown_metrics: tuple[str, ...] = ()  # empty: all


@dataclass(frozen=True)
class _Run:
    """What the families of one training run share."""

    settings: Settings
    events: ibis.Table
    consent_statements: ibis.Table
    catalogue: ibis.Table
    campaigns: ibis.Table
    as_of: datetime
    served: Bundle | None  # the current bundle, where there is one that can be read
    tracker: Tracker | None  # None: evaluate only
    progress: Progress
    is_current: bool = True  # the cut leaves no event out
    cache: RunCache = field(default_factory=RunCache)

    def data(self, family: Family) -> TrainingData:
        """What this family may look at."""
        settings = self.settings
        return TrainingData(
            events=self.events,
            consent_statements=self.consent_statements,
            catalogue=self.catalogue,
            campaigns=self.campaigns,
            as_of=self.as_of,
            is_current=self.is_current,
            parameters=family_parameters(family, settings),
            seed=settings.seed,
            threads=settings.threads,
            progress=self.progress,
            previous=_previous_fit(self.served, family.name),
            required={name: family_parameters(FAMILIES[name], settings) for name in family.requires},
            cache=self.cache,
        )


def evaluate(
    settings: Settings, names: Sequence[str] = (), as_of: datetime | None = None, progress: Progress = silent
) -> list[Outcome]:
    """Backtest families on the latest window against their baselines; fit nothing for publishing, keep nothing."""
    return _each_family(settings, names, as_of, progress, keep=False)


def train(
    settings: Settings, names: Sequence[str] = (), as_of: datetime | None = None, progress: Progress = silent
) -> list[Outcome]:
    """Backtest, gate and fit families (all, or `names`), and keep each as a challenger for publishing.

    A family that lacks data is skipped, and its outcome says what it needs; the others go on.
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
    latest = default_as_of(warehouse)
    cut = as_of or latest
    if keep:
        progress("open MLflow's store")
    run = _Run(
        settings=settings,
        events=views.lines(warehouse),
        consent_statements=warehouse.table("words"),
        catalogue=views.catalogue(warehouse),
        campaigns=warehouse.register(campaigns(settings)),
        as_of=cut,
        is_current=cut >= latest,
        served=_served(settings),
        tracker=Tracker(settings.mlflow_url, settings.home.resolve() / "mlartifacts") if keep else None,
        progress=progress,
    )
    with threadpool_limits(settings.threads):
        return [_outcome(run, family) for family in families]


def _served(settings: Settings) -> Bundle | None:
    store = open_bundle_store(settings.bundles_url)
    try:
        return store.open(store.current())
    except StorageError:
        return None


def _previous_fit(served: Bundle | None, name: str) -> PreviousFit | None:
    if served is None or name not in served.manifest.families:
        return None
    entry = served.manifest.families[name]
    return PreviousFit(served.path / name, entry.as_of, entry.bundle_version)


def _chosen(names: Sequence[str]) -> list[Family]:
    unknown = [name for name in names if name not in FAMILIES]
    if unknown:
        raise InputError(f"family {unknown[0]!r} does not exist; families are {', '.join(FAMILIES)}.")
    return [family for name, family in FAMILIES.items() if not names or name in names]


def _outcome(run: _Run, family: Family) -> Outcome:
    started, started_at = time.monotonic(), datetime.now(UTC)
    data = run.data(family)
    log.info("%s: parameters %s", family.name, dataclasses.asdict(data.parameters))
    backtest, verdict, skipped, kept = None, None, None, None
    try:
        run.progress(f"{family.name}: backtest")
        backtest = family.backtest(data)
        verdict = apply_gate(family, backtest)
        if run.tracker is not None:
            challenger = _challenger(family, data, backtest, verdict, started_at)
            kept = _keep_challenger(run, run.tracker, data, challenger, backtest)
    except NotEnoughData as error:
        backtest, verdict, skipped = None, None, str(error)
    seconds = time.monotonic() - started
    return Outcome(
        family.name, family.baseline, seconds, backtest, verdict, skipped, kept, shown_metrics=family.shown_metrics
    )


def _challenger(
    family: Family, data: TrainingData, backtest: Backtest, verdict: Verdict, trained_at: datetime
) -> Challenger:
    """The family's record, before it is fitted and tracked."""
    return Challenger(
        family=family.name,
        kind=family.kind,
        as_of=data.as_of,
        trained_at=trained_at,
        passed=verdict.passed,
        gate=verdict.reason,
        baseline=family.baseline,
        cases=backtest.cases,
        test_window_start=backtest.window_start,
        test_window_end=backtest.window_end,
        metrics=backtest.metrics,
        baseline_metrics=backtest.baseline_metrics,
        details=backtest.details,
        parameters=dataclasses.asdict(data.parameters) | {"seed": data.seed},
        bundle_format=FORMAT_VERSION,
    )


def _keep_challenger(
    run: _Run, tracker: Tracker, data: TrainingData, challenger: Challenger, backtest: Backtest
) -> str | None:
    """Fit the family if it passed its gate, record the run in MLflow, and store the challenger.

    Where the gate failed, the served model scores as of now, if it can; returns what is kept of the served version.
    """
    fitted: FittedFamily | Rescored | None = None
    kept = None
    if challenger.passed:
        run.progress(f"{challenger.family}: fit")
        fitted = FAMILIES[challenger.family].fit(data)
        challenger = msgspec.structs.replace(challenger, columns=fitted.columns, replays=fitted.replays)
    elif data.previous is not None:
        run.progress(f"{challenger.family}: rescore")
        fitted, kept = _rescored(FAMILIES[challenger.family], data, data.previous)
        if fitted is not None:
            version = data.previous.bundle_version
            challenger = msgspec.structs.replace(challenger, replays=fitted.replays, rescored_version=version)
    run.progress(f"{challenger.family}: record")
    run_id, version = tracker.record(challenger)
    challenger = msgspec.structs.replace(challenger, run_id=run_id, model_version=version)
    ChallengerStore(run.settings.candidates_path).save(challenger, fitted, backtest.predictions)
    return kept


def _rescored(family: Family, data: TrainingData, previous: PreviousFit) -> tuple[Rescored | None, str]:
    """What the served model says as of now, if it can, and a sentence about it."""
    served = f"The version of {previous.bundle_version} is kept"
    if family.rescore is None:
        return None, f"{served}, with its table as of {previous.as_of:%Y-%m-%d}."
    try:
        rescored = family.rescore(data, previous.folder)
    except BundleRefused as error:
        return None, f"{served}, with its table as of {previous.as_of:%Y-%m-%d}: {error}"
    return rescored, f"{served}; its model has scored {rescored.table.num_rows:,} {family.kind} as of now."
