"""The cost of orders made from the demand forecast, against normal safety stock, simulated on the same sales.

    python -m benchmarks.inventory DIR [--lead-time 7] [--review 7] [--service-level 0.95] [--series N]

DIR holds series.parquet and meta.json, or invoices, as for benchmarks.demand. The last three horizons are simulated as
one window. Every review period orders are placed up to a level that must last lead time + review period. Goods arrive
at the start of the period after the lead time, in whole units. Demand beyond the stock is lost. Our model is fitted at
the start of each horizon and forecasts at each review from the sales until then. The baseline's level is mean +
z·σ·√(lead time + review), recomputed at each review, by the three textbook methods of models/inventory/safety_stock.py
(the recent mean is over 28 days, or 6 weeks or months) and by a fourth, harder one. Every series starts as if it had
ordered up to its own first level.

Cost: 1 per unit and period in stock, and per lost unit the cost that makes the service level the newsvendor's critical
ratio: review × level / (1 - level). Costs are the same in all comparisons. "same_level": both order for the given
service level, whatever they achieve. "same_service": each at a level with which it achieves the service level, the
share of review periods without a lost sale. "equal_fill_rate" and "equal_cycle_service": the baseline at the level with
which it serves as well as ours. "best_level": each at the level that turned out to cost least. Each figure is the share
by which our total cost is lower; "strongest" is against the textbook method that costs least in that comparison.
"curves": service achieved and total cost of each policy at rising levels. The last line is one JSON object.
"""

import argparse
import json
import resource
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.demand.data import ORIGINS, DemandData, read_folder
from benchmarks.inventory.curves import SERVICE_GRID, at_equal_service
from contracts.errors import InputError
from models.demand.frequency import DAY
from models.demand.model import DemandModel, DemandParameters
from models.demand.panel import Panel
from models.inventory.demand_distribution import DemandDistribution, DemandForecaster
from models.inventory.evaluation import (
    forecasts_at_reviews,
    policy_metrics,
    simulate_policy,
    window_end,
)
from models.inventory.lead_time_demand import model_forecaster
from models.inventory.safety_stock import DEVIATIONS, TEXTBOOK_METHODS, safety_stock_demand
from models.inventory.simulation import SimulationTerms
from models.protocol import FitContext

OURS: Final = "ours"
CYCLE_SERVICE: Final = "cycle_service"
SEED: Final = 7
DAY_PERIODS: Final = 7  # lead time and review of a daily series; of any other 1
DAY_WINDOW: Final = 28
OTHER_WINDOW: Final = 6
DECIMALS: Final = 4

Metrics = Mapping[str, float]


def main() -> None:
    """Read, simulate every policy, compare, print."""
    options, started = _options(), time.monotonic()
    data = read_folder(options.folder).sampled(options.series)
    terms = simulation_terms(data.read.panel, options)
    window = Window(data, terms, options.threads)
    curves: dict[str, list[dict[str, float]]] = {}
    at_level: dict[str, dict[str, float]] = {}
    seconds: dict[str, float] = {}
    for name, forecaster in window.forecasters().items():
        begun = time.monotonic()
        at_level[name], curves[name] = window.evaluated(forecaster, options.service_level)
        seconds[name] = round(time.monotonic() - begun, 1)
        print(f"{name}: cost {at_level[name]['total_cost']:.4g}, fill rate {at_level[name]['fill_rate']:.3f}")
    report: dict[str, Any] = {"policies": at_level, "reduction": compared(at_level, curves, options.service_level)}
    report["curves"] = {
        name: [[point[CYCLE_SERVICE], point["total_cost"]] for point in curve] for name, curve in curves.items()
    }
    report |= {"reach": 0.15, "service_level": options.service_level, "lead_time": terms.lead_time}
    report |= {"review": terms.review, "series": window.panel.series, "periods": window.end - window.origin}
    report |= {"seconds_by_policy": seconds, "seconds": round(time.monotonic() - started, 1)}
    report["peak_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps(_rounded(report)))


class Window:
    """The last three horizons of a folder's series that were known before the first of them."""

    def __init__(self, data: DemandData, terms: SimulationTerms, threads: int) -> None:
        whole = data.read.panel
        self.horizon, self.terms, self.threads = data.horizon, terms, threads
        self.models: dict[int, DemandModel] = {}
        self.origin = whole.periods - ORIGINS * data.horizon
        self.end = window_end(self.origin, whole.periods, terms)
        if self.origin < data.horizon or terms.protected > data.horizon:
            raise InputError(
                f"the series have {whole.periods} periods; {ORIGINS + 1} horizons of {data.horizon} are needed, and "
                f"lead time + review ({terms.protected}) must lie within one. Give a longer past or shorter terms."
            )
        is_known = (data.counts_from <= self.origin) & (whole.units[:, : self.origin] > 0).any(axis=1)
        self.panel = whole.only(is_known)

    def forecasters(self) -> dict[str, DemandForecaster]:
        """Every policy's forecaster of the demand of lead time + review period."""
        textbook = {method: self._textbook(method) for method in DEVIATIONS}
        return {OURS: self._ours, **textbook}

    def evaluated(
        self, forecaster: DemandForecaster, service_level: float
    ) -> tuple[dict[str, float], list[dict[str, float]]]:
        """The policy's metrics at the service level, and at every level of the grid; costs as at `service_level`."""
        forecasts = forecasts_at_reviews(forecaster, self.panel, self.origin, self.end, self.terms)
        at_level = self._metrics(forecasts, service_level, service_level)
        return at_level, [self._metrics(forecasts, level, service_level) for level in SERVICE_GRID]

    def _metrics(self, forecasts: Sequence[DemandDistribution], level: float, cost_level: float) -> dict[str, float]:
        stock = simulate_policy(forecasts, self.panel, self.origin, self.end, level, self.terms)
        return policy_metrics(stock, self.terms, cost_level, 1.0) | {"level": level}

    def _textbook(self, method: str) -> DemandForecaster:
        window = DAY_WINDOW if self.panel.frequency is DAY else OTHER_WINDOW
        return lambda past: safety_stock_demand(past.units, past.is_observed, self.terms.protected, method, window)

    def _ours(self, past: Panel) -> DemandDistribution:
        return model_forecaster(self._model(past.periods), self.terms.lead_time, self.terms.protected)(past)

    def _model(self, period: int) -> DemandModel:
        """The model that was fitted at the beginning of the period's horizon."""
        fitted_at = self.origin + (period - self.origin) // self.horizon * self.horizon
        if fitted_at not in self.models:
            parameters = DemandParameters(horizon=self.horizon)
            context = FitContext(SEED, self.threads)
            self.models[fitted_at] = DemandModel.fit(self.panel.before(fitted_at), parameters, context)
        return self.models[fitted_at]


def simulation_terms(panel: Panel, options: argparse.Namespace) -> SimulationTerms:
    """Lead time and review as given, or a week of days, or one period of any other frequency."""
    default = DAY_PERIODS if panel.frequency is DAY else 1
    lead_time, review = (default if given is None else given for given in (options.lead_time, options.review))
    return SimulationTerms(lead_time, review)


def compared(
    at_level: Mapping[str, Metrics], curves: Mapping[str, Sequence[Metrics]], service_level: float
) -> dict[str, dict[str, float | None]]:
    """By how much our total cost lies below each of the textbook's, 0.15 is 15 %; None: no level serves as well."""
    ours, curve = at_level[OURS], curves[OURS]
    achieved = at_equal_service(curve, CYCLE_SERVICE, service_level)
    textbook = {name: other for name, other in curves.items() if name != OURS}

    def at(service: str, wanted: Metrics | None) -> dict[str, float | None]:
        if wanted is None:
            return dict.fromkeys(("strongest", *textbook))
        found = {name: at_equal_service(other, service, wanted[service]) for name, other in textbook.items()}
        return _with_strongest({name: _below(wanted, found[name]) for name in textbook})

    return {
        "same_level": _with_strongest({name: _below(ours, at_level[name]) for name in textbook}),
        "same_service": at(CYCLE_SERVICE, achieved),
        "equal_fill_rate": at("fill_rate", ours),
        "equal_cycle_service": at(CYCLE_SERVICE, ours),
        "best_level": _with_strongest({name: _below(_cheapest(curve), _cheapest(textbook[name])) for name in textbook}),
    }


def _with_strongest(below: dict[str, float | None]) -> dict[str, float | None]:
    usual = [value for name in TEXTBOOK_METHODS if (value := below[name]) is not None]
    return {"strongest": min(usual, default=None), **below}


def _below(ours: Metrics, other: Metrics | None) -> float | None:
    return None if other is None else 1 - _cost(ours) / _cost(other)


def _cheapest(curve: Sequence[Metrics]) -> Metrics:
    return min(curve, key=_cost)


def _cost(metrics: Metrics) -> float:
    return metrics["total_cost"]


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return round(value, DECIMALS) if isinstance(value, float) else value


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR", help="series.parquet and meta.json, or invoices")
    parser.add_argument("--lead-time", type=int, metavar="PERIODS", help="default: 7 days, or 1 week or month")
    parser.add_argument("--review", type=int, metavar="PERIODS", help="the same")
    parser.add_argument("--service-level", type=float, default=0.95)
    parser.add_argument("--series", type=int, metavar="N", help="a sample of so many")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
