"""The gate: a family that does not beat its baseline on a later window is not published."""

from dataclasses import dataclass

from pipelines.families.family import Backtest, Family


@dataclass(frozen=True)
class Verdict:
    """Whether a family passed, and why, in a sentence."""

    passed: bool
    reason: str


def apply_gate(family: Family, backtest: Backtest) -> Verdict:
    """Compare the backtest with the family's gate; an undefined metric never passes."""
    gate = family.gate
    ours, baseline = backtest.metrics.get(gate.metric), backtest.baseline_metrics.get(gate.metric)
    if ours is None or baseline is None:
        return Verdict(False, f"{gate.metric} is not defined on {backtest.cases:,} cases; more data are needed")
    gain = ours - baseline if gate.higher_is_better else baseline - ours
    comparison = f"{gate.metric} {ours:.4f} against the baseline's {baseline:.4f}"
    if gain == 0 and gate.answers_as_baseline:
        return Verdict(True, f"{comparison}: nothing served better, so it answers as its baseline")
    if not gain > 0:
        return Verdict(False, f"{comparison}: falls short by {abs(gain):.4f}")
    for metric, bound in gate.at_most.items():
        value = backtest.metrics.get(metric)
        if value is None or not value <= bound:
            return Verdict(False, f"{metric} is {value}, which exceeds the bound of {bound}")
    return Verdict(True, f"{comparison}: better by {gain:.4f}")
