"""Demand per series and period, as a distribution: methods beside one another, believed as the backtest found them.

Trees over all series, plain windows and a library's methods forecast the last horizons as if these were the future;
each class of demand then gets the blend that served it best. Breaks where the future differs from all of the past: a
first Christmas, a series not sold yet, or a shock that no covariate tells of.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from contracts.errors import InputError, NotEnoughData
from models.demand.backtest import BacktestRows, backtest_rows
from models.demand.base_forecasters import row_forecasts
from models.demand.classification import ALL_ZERO, CLASSES, NEW, demand_class
from models.demand.evaluation import Figures, Judged, judge
from models.demand.features.rows import Rows, forecast_rows, rows_of, training_rows
from models.demand.forecast import LEVELS, DemandForecast
from models.demand.intervals.spread_features import spread_features
from models.demand.methods.boosting import Boosting, BoostingParameters, Learner, fit_boosting, learners_for
from models.demand.methods.rounds import best_rounds, round_losses
from models.demand.panel import Panel
from models.demand.prepared_panel import Cells
from models.demand.states import States
from models.demand.statistical_ensemble import Complement, fit_complement

MIN_TRAINING_ROWS: Final = 30
Progress = Callable[[str], None]


@dataclass(frozen=True)
class DemandParameters:
    """How demand is forecast; the same settings serve any frequency and any store.

    Raises InputError for a horizon below 1.
    """

    horizon: int = 28
    boosting: BoostingParameters = field(default_factory=BoostingParameters)

    def __post_init__(self) -> None:
        if self.horizon < 1:
            raise InputError(f"horizon is {self.horizon}; give 1 period or more.")


@dataclass(frozen=True)
class DemandModel:
    """A fitted model: what covariates mean, the trees, the library's part, and what the backtest said."""

    parameters: DemandParameters
    states: States
    boosting: Boosting
    complement: Complement
    judged: Judged
    threads: int = 1

    @property
    def past(self) -> BacktestRows:
        """What the backtest expected (`mean`) at earlier origins, beside what came (`units`)."""
        return self.judged.past

    @property
    def backtest(self) -> Mapping[str, Figures]:
        """The backtest's figures by class of demand."""
        return self.judged.figures

    def predict(self, panel: Panel) -> DemandForecast:
        """The forecast for the periods after `panel`. Raises InputError where a covariate ends before the horizon."""
        horizon, shape = self.parameters.horizon, (panel.series, self.parameters.horizon)
        panel.check_ahead(horizon)
        cells = self.states.cells(panel, horizon)
        code = demand_class(panel, cells.counts)
        place = np.where(code == ALL_ZERO, NEW, code)
        rows = rows_of(cells, *forecast_rows(cells, np.array([panel.periods]), np.arange(panel.series)))
        candidates = row_forecasts(cells, rows, self.boosting)
        mean, median = self.judged.routing.blend(candidates, place[rows.series])
        told = spread_features(rows, mean, median, candidates)
        sells = ~cells.closed[:, panel.periods :] & ~_never_sells(cells, code)[:, None]
        expected, median = np.where(sells.ravel(), mean, 0), np.where(sells.ravel(), median, 0)
        quantiles, zero = self.judged.spread.predict(np.column_stack([told, rows.features]), expected)
        quantiles = self.judged.calibration.apply(quantiles, median, zero, rows.sale, code[rows.series])
        blended, sale = expected.reshape(shape), rows.sale.reshape(shape)[:, 0]
        totals = self.judged.totals.predict(blended, sale, told.reshape(*shape, -1), place)
        # The bands were learnt around what the rows' methods expect, and hold only there.
        mean = np.where(sells, self.complement.join(cells, blended, code, self.threads), 0)
        return DemandForecast(mean, np.where(sells[..., None], quantiles.reshape(*shape, len(LEVELS)), 0), totals)

    def route(self, panel: Panel) -> tuple[np.ndarray, np.ndarray]:
        """The methods that forecast each series, and why: (series,) text each."""
        code = demand_class(panel, self.states.cells(panel, 0).counts)
        named = [self._named(number) for number in range(len(CLASSES))]
        return np.array(named)[code], np.array([_reason(name, self.backtest) for name in CLASSES])[code]

    def _named(self, number: int) -> str:
        if number == ALL_ZERO:
            return "none"
        method = self.complement.methods[number]
        return self.judged.routing.named(number) + (f" + {method}" if method else "")


def fit_demand(
    panel: Panel, parameters: DemandParameters, seed: int, threads: int, progress: Progress | None = None
) -> DemandModel:
    """Learn from the whole panel; what is believed of it, and how far it errs, is learnt on its last horizons.

    Raises NotEnoughData for a panel with too short a past.
    """
    say = progress or _silent
    _check_enough(panel, parameters.horizon)
    states = States.of(panel)
    cells = states.cells(panel, parameters.horizon)
    say("demand: looking back")
    past = backtest_rows(cells, seed)
    drawn = training_rows(cells, panel.periods, parameters.boosting.max_rows, seed)
    _check_rows(cells, drawn, past)
    asked = (past.series, past.origin, past.target)
    rows = rows_of(cells, *(np.concatenate(pair) for pair in zip(drawn, asked, strict=True)))
    training, held_out = rows.only(slice(0, len(drawn[0]))), rows.only(slice(len(drawn[0]), None))
    del rows
    fit = _Fit(cells, training, parameters.boosting, seed, threads)
    say("demand: forecasting its own past")
    candidates, rounds = _backtest(fit, held_out, past)
    say("demand: judging the methods")
    judged = judge(cells, held_out, past, candidates, seed, threads)
    earlier = [states.cells(panel.before(int(origin)), parameters.horizon) for origin in np.unique(past.origin)]
    complement = fit_complement(earlier, judged.past, threads)
    say("demand: fitting on everything")
    return DemandModel(parameters, states, fit.until(panel.periods, rounds), complement, judged, threads)


class _Fit:
    """Trees on the training rows whose targets lie before a period."""

    def __init__(self, cells: Cells, rows: Rows, parameters: BoostingParameters, seed: int, threads: int) -> None:
        self.cells = cells
        self._rows, self._parameters, self._seed, self._threads = rows, parameters, seed, threads
        self._units = cells.panel.units[rows.series, rows.target].astype(np.float64)
        self._is_dense = cells.is_dense[rows.series]
        self._learners: tuple[Learner, ...] = learners_for(self._is_dense)

    def until(self, period: int, rounds: Mapping[str, int]) -> Boosting:
        """Of a past too short to leave rows, all rows: its backtest then flatters."""
        chosen = self._rows.target < period
        if chosen.sum() < MIN_TRAINING_ROWS or not self._units[chosen].any():
            chosen = np.ones(len(chosen), dtype=bool)
        rows, units, is_dense = self._rows, self._units, self._is_dense
        if not chosen.all():
            rows, units, is_dense = rows.only(chosen), units[chosen], is_dense[chosen]
        return fit_boosting(rows, units, is_dense, self._learners, rounds, self._parameters, self._seed, self._threads)


def _backtest(fit: _Fit, rows: Rows, past: BacktestRows) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Every method's forecast of the backtest's rows, each window by trees that saw only what came before it."""
    losses, fitted = [], []
    for window in np.unique(past.window):
        inside = past.window == window
        boosting = fit.until(int(past.origin[inside][0]), {})
        fitted.append((inside, rows.only(inside), boosting))
        losses.append(round_losses(boosting, fitted[-1][1], past.units[inside]))
    rounds = best_rounds(losses)
    found: dict[str, np.ndarray] = {}
    for inside, chosen, boosting in fitted:
        for name, values in row_forecasts(fit.cells, chosen, Boosting(boosting.boosters, rounds)).items():
            found.setdefault(name, np.zeros(len(past)))[inside] = values
    return found, rounds


def _check_enough(panel: Panel, horizon: int) -> None:
    if panel.periods < 2 * horizon or not panel.units.any():
        raise NotEnoughData(
            f"demand needs {2 * horizon} {panel.frequency.name}s to learn {horizon} ahead, and sales in them; there "
            f"are {panel.periods} {panel.frequency.name}s and {int((panel.units > 0).sum())} cells with sales. Shorten "
            "the horizon, ingest older orders, or wait for new ones."
        )


def _check_rows(cells: Cells, drawn: tuple[np.ndarray, ...], past: BacktestRows) -> None:
    series, _, target = drawn
    if not len(past) or not cells.panel.units[series, target].any():
        raise NotEnoughData(
            "demand needs series that sold on more than their first day, before and within the last horizon; none did. "
            "Ingest older orders, or wait for new ones."
        )


def _never_sells(cells: Cells, code: np.ndarray) -> np.ndarray:
    """Series seen for long enough without a sale; one hardly seen borrows from series like it."""
    panel = cells.panel
    seen = (panel.is_known & ~cells.closed[:, : panel.periods]).sum(axis=1)
    never: np.ndarray = (code == ALL_ZERO) & (seen >= panel.frequency.new_periods)
    return never


def _reason(name: str, figures: Mapping[str, Figures]) -> str:
    if name == CLASSES[ALL_ZERO]:
        return "never sold"
    if name in figures:
        return f"{name}: what served its class best in the backtest"
    return f"{name}: none of its class was in the backtest; what served all series best"


def _silent(_: str) -> None:
    return None
