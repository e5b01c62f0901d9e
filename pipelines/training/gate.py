"""The gate: a model answers where it is clearly better than its baseline; the baseline answers where that is unclear.

"Clearly" is the 95 % interval of a paired bootstrap (`models.statistics.paired_bootstrap`), which does not contain 0.
A model that is clearly worse is refused.
"""

from typing import Final

from contracts.bundle import Answerer, Finding, Verdict
from models.statistics.paired_bootstrap import Difference, difference
from pipelines.families.family import Backtest, Family, Metrics

MIN_UNITS: Final = 10  # with fewer independent units, an interval says too little
ROUNDING: Final = 1e-9  # relative to the metric; a smaller gain is a rounding error


def apply_gate(family: Family, backtest: Backtest, seed: int = 7, is_served: bool = False) -> Verdict:
    """The verdict on a backtest.

    `is_served`: a model of the family is published already, and stays where the new one is clearly worse. Otherwise,
    the baseline answers there, too.
    """
    gain = _gain(family, backtest, seed)
    finding = _finding(backtest, gain, family)
    exceeded = _exceeded(family, backtest.metrics)
    answers: Answerer | None = None
    if finding == "better" and exceeded is None:
        answers = "model"
    elif not (finding == "worse" and is_served) and _may_answer(family, backtest.baseline_metrics):
        answers = "baseline"
    reason = _reason(family, backtest, finding, gain, exceeded) + _consequence(answers)
    if gain is None:
        return Verdict(finding, answers, reason)
    return Verdict(finding, answers, reason, gain.value, gain.low, gain.high)


def unjudged(family: Family, why: str) -> Verdict:
    """The verdict without a backtest, where the baseline can answer."""
    reason = f"too few cases to judge{_consequence('baseline')} ({_sentence_part(why)})"
    return Verdict("too_few", "baseline", reason)


def _gain(family: Family, backtest: Backtest, seed: int) -> Difference | None:
    """How much better the model is, with its interval; None where it cannot be said."""
    metric, paired = family.gate.metric, backtest.paired
    if backtest.metrics.get(metric) is None or backtest.baseline_metrics.get(metric) is None:
        return None
    found = difference(paired, seed) if paired.units >= MIN_UNITS else None
    if found is None or family.gate.higher_is_better:
        return found
    return Difference(-found.value, -found.high, -found.low)


def _finding(backtest: Backtest, gain: Difference | None, family: Family) -> Finding:
    if backtest.nothing:
        return "nothing"
    if gain is None:
        return "too_few"
    values = (backtest.metrics[family.gate.metric], backtest.baseline_metrics[family.gate.metric])
    noise = ROUNDING * max(abs(value or 0.0) for value in values)
    if gain.low > noise:
        return "better"
    return "worse" if gain.high < -noise else "unclear"


def _exceeded(family: Family, metrics: Metrics) -> str | None:
    """The bound that the metrics exceed, in words."""
    for metric, bound in family.gate.at_most.items():
        value = metrics.get(metric)
        if value is None or not value <= bound:
            return f"{metric} is {'undefined' if value is None else f'{value:.3g}'}, above the bound of {bound:g}"
    return None


def _may_answer(family: Family, metrics: Metrics) -> bool:
    """Whether the baseline can answer and keeps the bounds; one that it has no metric for does not concern it."""
    bounds = family.gate.at_most.items()
    values = [(metrics[metric], bound) for metric, bound in bounds if metric in metrics]
    return family.fit_baseline is not None and all(value is None or value <= bound for value, bound in values)


def _reason(family: Family, backtest: Backtest, finding: Finding, gain: Difference | None, exceeded: str | None) -> str:
    gate, baseline = family.gate, backtest.baseline_name
    where = f"on {backtest.paired.units:,} {gate.unit}"
    if finding == "nothing":
        return f"{_sentence_part(backtest.nothing)} {where}"
    if gain is None:
        return f"too few cases to judge {where} (at least {MIN_UNITS} are needed, with different outcomes)"
    ours, theirs = backtest.metrics[gate.metric] or 0.0, backtest.baseline_metrics[gate.metric] or 0.0
    named = f"{gate.label} {ours:.3g}, {baseline.removeprefix('the ')} {theirs:.3g}"
    words = {"better": "clearly better", "worse": "clearly worse"}.get(finding, "not clearly better")
    but = f", but {exceeded}" if finding == "better" and exceeded else ""
    return f"{words} than {baseline} {where} ({named}, gain {gain.low:.2g} to {gain.high:.2g}){but}"


def _consequence(answers: Answerer | None) -> str:
    return {"model": ", so the model answers", "baseline": ", so the baseline answers"}.get(
        answers or "", ", so the model is not published"
    )


def _sentence_part(words: str) -> str:
    return words.strip().rstrip(".")
