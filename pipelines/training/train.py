"""Train families: backtest each on a later window, fit what answers on everything, keep it as a challenger."""

import dataclasses
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import ibis
import msgspec
from threadpoolctl import threadpool_limits

from contracts.bundle import FORMAT_VERSION, Bundle, Verdict
from contracts.bundle_store import open_bundle_store
from contracts.errors import (
    BundleRefused,
    InputError,
    NotEnoughData,
    SettingsError,
    ShopkeeperError,
    StorageError,
)
from contracts.progress import Progress, silent
from contracts.settings import Settings
from pipelines.campaigns.holdout import campaigns
from pipelines.families.family import Backtest, Family, FittedFamily, PreviousFit, Rescored, TrainingData
from pipelines.families.registry import FAMILIES
from pipelines.families.run_cache import RunCache
from pipelines.training.challengers import Challenger, ChallengerStore
from pipelines.training.gate import apply_gate, unjudged
from pipelines.training.tracking import Tracker
from pipelines.warehouse import views
from pipelines.warehouse.overview import hole_before
from pipelines.warehouse.warehouse import Warehouse, open_warehouse

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """The result of one family; `skipped` says what data it needs, where the store lacks them.

    `failed` is the unexpected error that stopped it, where there was one; it stops no other family.
    """

    family: str
    baseline: str  # in words
    seconds: float
    backtest: Backtest | None = None
    verdict: Verdict | None = None
    skipped: str | None = None
    kept: str | None = None  # where neither answers: what the served version of the family says instead
    shown_metrics: tuple[str, ...] = ()  # empty: all
    has_table: bool = False  # there is something to publish: a fit, or a table by the served model
    failed: str | None = None


@dataclass(frozen=True)
class _Run:
    """What the families of one training run share."""

    settings: Settings
    events: ibis.Table
    consent_statements: ibis.Table
    catalogue: ibis.Table
    described_items: ibis.Table
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
            described_items=self.described_items,
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

    A family that lacks data is skipped, and its outcome says what it needs. One that fails unexpectedly is reported
    with its error. The others go on.
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
    except (TypeError, ValueError, InputError) as error:
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
        described_items=views.described_items(warehouse),
        campaigns=warehouse.register(campaigns(settings)),
        as_of=cut,
        is_current=cut >= latest,
        served=_served(settings),
        tracker=Tracker(settings.mlflow_url, settings.home.resolve() / "mlartifacts") if keep else None,
        progress=progress,
    )
    with threadpool_limits(settings.threads):
        outcomes = [_outcome(run, family) for family in families]
    hole = hole_before(warehouse.index.days, cut)
    return [replace(each, skipped=f"{each.skipped} {hole}".strip()) if each.skipped else each for each in outcomes]


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
    return PreviousFit(served.path / name, entry.as_of, entry.bundle_version, entry.verdict.answers)


def _chosen(names: Sequence[str]) -> list[Family]:
    unknown = [name for name in names if name not in FAMILIES]
    if unknown:
        raise InputError(f"family {unknown[0]!r} does not exist; families are {', '.join(FAMILIES)}.")
    return [family for name, family in FAMILIES.items() if not names or name in names]


def _outcome(run: _Run, family: Family) -> Outcome:
    started, started_at = time.monotonic(), datetime.now(UTC)
    data = run.data(family)
    log.info("%s: parameters %s", family.name, dataclasses.asdict(data.parameters))
    found, failed = _Found(family, data, started_at), None
    try:
        found = _trained(run, family, data, started_at)
    except NotEnoughData as error:
        found = replace(found, skipped=str(error))
    except ShopkeeperError:  # a setting or a store that every family needs
        raise
    except Exception as error:
        log.exception("%s failed; the other families go on", family.name)
        failed = f"{type(error).__name__}: {error}"
    return Outcome(
        family=family.name,
        baseline=family.baseline,
        seconds=time.monotonic() - started,
        backtest=found.backtest,
        verdict=found.verdict,
        skipped=found.skipped,
        kept=found.kept,
        shown_metrics=family.shown_metrics,
        has_table=found.fitted is not None,
        failed=failed,
    )


def _trained(run: _Run, family: Family, data: TrainingData, started_at: datetime) -> "_Found":
    try:
        run.progress(f"{family.name}: backtest")
        backtest = family.backtest(data)
        found = _Found(family, data, started_at, apply_gate(family, backtest, data.seed, _is_served(data)), backtest)
    except NotEnoughData as error:
        found = _without_backtest(run, family, data, started_at, str(error))
    if run.tracker is not None and found.verdict is not None:
        found = _kept(run, run.tracker, found)
    return found


@dataclass(frozen=True)
class _Found:
    """What is known of a family in the course of its training."""

    family: Family
    data: TrainingData
    trained_at: datetime
    verdict: Verdict | None = None
    backtest: Backtest | None = None
    fitted: FittedFamily | Rescored | None = None
    kept: str | None = None
    skipped: str | None = None

    def challenger(self, verdict: Verdict) -> Challenger:
        """The family's record, before the run is tracked."""
        data, backtest, fitted = self.data, self.backtest, self.fitted
        is_rescored = isinstance(fitted, Rescored) and data.previous is not None
        return Challenger(
            family=self.family.name,
            kind=self.family.kind,
            as_of=data.as_of,
            trained_at=self.trained_at,
            verdict=verdict,
            baseline=self.family.baseline,
            cases=backtest.cases if backtest else 0,
            test_window_start=backtest.window_start if backtest else None,
            test_window_end=backtest.window_end if backtest else None,
            metrics=backtest.metrics if backtest else {},
            baseline_metrics=backtest.baseline_metrics if backtest else {},
            details=backtest.details if backtest else {},
            parameters=dataclasses.asdict(data.parameters) | {"seed": data.seed},
            columns=fitted.columns if isinstance(fitted, FittedFamily) else {},
            replays=fitted.replays if fitted is not None else [],
            bundle_format=FORMAT_VERSION,
            rescored_version=data.previous.bundle_version if is_rescored and data.previous else "",
        )


def _is_served(data: TrainingData) -> bool:
    """Whether a model of the family is published; a published baseline is fitted anew instead of kept."""
    return data.previous is not None and data.previous.answers == "model"


def _without_backtest(run: _Run, family: Family, data: TrainingData, started_at: datetime, why: str) -> _Found:
    """Where nothing can be judged: the served model stays, or else the baseline answers, if it can be fitted."""
    skipped = _Found(family, data, started_at, skipped=why)
    if run.tracker is None or family.fit_baseline is None or _is_served(data):
        return skipped
    try:
        run.progress(f"{family.name}: fit the baseline")
        return replace(
            skipped,
            verdict=unjudged(family, why),
            fitted=family.fit_baseline(replace(data, is_published=True)),
            skipped=None,
        )
    except NotEnoughData:
        return skipped


def _kept(run: _Run, tracker: Tracker, found: _Found) -> _Found:
    """Fit what answers, record the run in MLflow, and store the challenger."""
    found = found if found.fitted is not None else _fitted(run, found)
    assert found.verdict is not None
    run.progress(f"{found.family.name}: record")
    challenger = found.challenger(found.verdict)
    run_id, version = tracker.record(challenger, found.family.gate)
    challenger = msgspec.structs.replace(challenger, run_id=run_id, model_version=version)
    predictions = found.backtest.predictions if found.backtest else None
    ChallengerStore(run.settings.candidates_path).save(challenger, found.fitted, predictions)
    return found


def _fitted(run: _Run, found: _Found) -> _Found:
    """The model or the baseline, whichever answers; where neither does, what the served model says as of now."""
    family, data, verdict = found.family, replace(found.data, is_published=True), found.verdict
    assert verdict is not None
    if verdict.answers == "model":
        run.progress(f"{family.name}: fit")
        try:
            return replace(found, fitted=family.fit(data))
        except NotEnoughData as error:
            if family.fit_baseline is None:
                raise
            reason = f"{verdict.reason}, but it cannot be fitted as of now ({error}), so the baseline answers"
            verdict = msgspec.structs.replace(verdict, answers="baseline", reason=reason)
    if verdict.answers == "baseline" and family.fit_baseline is not None:
        run.progress(f"{family.name}: fit the baseline")
        return replace(found, verdict=verdict, fitted=family.fit_baseline(data))
    if data.previous is None:
        return found
    run.progress(f"{family.name}: rescore")
    fitted, kept = _rescored(family, data, data.previous)
    return replace(found, fitted=fitted, kept=kept)


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
