"""What each part of our demand forecast gains: `python -m benchmarks.demand DIR --without PART`.

Every part is left out in turn and compared with the full engine in the same run. The windows are tuning windows: they
end where the published test windows begin, so that a choice made on them leaves the published figures clean.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from benchmarks.demand.data import LEVELS, Answer, DemandData, Origin
from benchmarks.demand.scores import Judge, averaged
from contracts.errors import InputError
from models.demand.backtest import MethodBacktest
from models.demand.forecast import at_levels
from models.demand.metrics import pinball
from models.demand.model import PARTS, DemandModel, DemandParameters
from models.protocol import FitContext

SEED: Final = 7
FULL: Final = "full"
EACH: Final = "each"
COMPARED: Final = ("pinball", "pinball_total", "wape", "wape_mean", "rmsse")


def parse_parts(text: str) -> list[str]:
    """The ablations that a comma-separated list names: each a part, or several joined by +. Raises InputError.

    `each` stands for every part.
    """
    if text.strip() == EACH:
        return list(PARTS)
    wanted = [name.strip() for name in text.split(",")]
    for name in wanted:
        left_out(name)
    return wanted


def left_out(name: str) -> frozenset[str]:
    """The parts that an ablation leaves out. Raises InputError."""
    found = frozenset(name.split("+"))
    if unknown := sorted(found - set(PARTS)):
        raise InputError(f"--without names {', '.join(unknown)}; there are {', '.join([EACH, *PARTS])}.")
    return found


def ablation(data: DemandData, names: Sequence[str], windows: int, threads: int) -> dict[str, Any]:
    """By ablation: COMPARED as ratios to the full engine, coverage and bias as they are; FULL has all as they are."""
    scores: dict[str, list[dict[str, Any]]] = {name: [] for name in (FULL, *names)}
    for origin in data.tuning_origins(windows):
        judge, context = Judge.of(origin), FitContext(SEED, threads)
        full = DemandParameters(horizon=origin.horizon)
        backtest = MethodBacktest.fit(origin.past, full.horizon, full.boosting, context)
        for name in scores:
            without = frozenset() if name == FULL else left_out(name)
            model = DemandModel.from_backtest(backtest, replace(full, parts=full.parts - without), context)
            scores[name].append(judged(judge, origin, model))
    found = {name: averaged(of) for name, of in scores.items()}
    ratios = {name: compared(of, found[FULL]) for name, of in found.items()}
    return ratios | {FULL: ratios[FULL] | {name: found[FULL].get(name) for name in COMPARED}}


def judged(judge: Judge, origin: Origin, model: DemandModel) -> dict[str, Any]:
    """The metrics of a model's forecast at an origin, and the pinball loss of the sums over the whole horizon."""
    forecast = model.predict(origin.past)
    scores = judge.scores(Answer(forecast.mean, at_levels(forecast.quantiles, LEVELS)))
    whole = origin.is_scored.any(axis=1)
    total = origin.actual[whole].sum(axis=1, dtype=np.float64)
    scores["pinball_total"] = pinball(total, forecast.total(forecast.horizon)[whole]) if total.size else None
    return scores


def compared(of: dict[str, Any], full: dict[str, Any]) -> dict[str, Any]:
    """COMPARED over those of the full engine; coverage with ties split, also by class, and bias."""
    ratios = {name: of[name] / full[name] for name in COMPARED if of.get(name) and full.get(name)}
    classes = {name: each.get("coverage_80_tied") for name, each in of["classes"].items()}
    return ratios | {
        "coverage_80_tied": of["coverage_80_tied"],
        "bias": of["bias"],
        "coverage_80_tied_by_class": {name: share for name, share in classes.items() if share is not None},
    }
