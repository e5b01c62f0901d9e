"""The gate: what passes, what does not, and what it says."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from pipelines.families.family import Backtest, Family, FittedFamily, Gate, Metrics, TrainingData
from pipelines.training.gate import apply_gate

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class NoParameters:
    pass


def never(data: TrainingData) -> Backtest:
    raise AssertionError("the gate does not train")


def never_fit(data: TrainingData) -> FittedFamily:
    raise AssertionError("the gate does not fit")


def family(gate: Gate) -> Family:
    return Family("taste", "customers", "guessing", gate, NoParameters, never, never_fit)


def backtest(metrics: Metrics, baseline: Metrics) -> Backtest:
    return Backtest(MOMENT, MOMENT, 100, metrics, baseline)


HIGHER = Gate("auc", higher_is_better=True)
LOWER = Gate("pinball", higher_is_better=False)
FALLS_BACK = Gate("cost", higher_is_better=False, answers_as_baseline=True)
BOUNDED = Gate("auc", higher_is_better=True, at_most={"ece": 0.03})


@pytest.mark.parametrize(
    ("gate", "metrics", "baseline", "passed", "words"),
    [
        (HIGHER, {"auc": 0.8}, {"auc": 0.7}, True, "better by 0.1000"),
        (HIGHER, {"auc": 0.7}, {"auc": 0.8}, False, "falls short by 0.1000"),
        (HIGHER, {"auc": 0.7}, {"auc": 0.7}, False, "falls short by 0.0000"),
        (LOWER, {"pinball": 1.0}, {"pinball": 1.5}, True, "better by 0.5000"),
        (LOWER, {"pinball": 1.5}, {"pinball": 1.0}, False, "falls short"),
        (HIGHER, {"auc": None}, {"auc": 0.5}, False, "not defined"),
        (HIGHER, {}, {"auc": 0.5}, False, "not defined"),
        (HIGHER, {"auc": float("nan")}, {"auc": 0.5}, False, "falls short"),
        (FALLS_BACK, {"cost": 1.0}, {"cost": 1.5}, True, "better by 0.5000"),
        (FALLS_BACK, {"cost": 1.0}, {"cost": 1.0}, True, "answers as its baseline"),
        (FALLS_BACK, {"cost": 1.5}, {"cost": 1.0}, False, "falls short"),
        (BOUNDED, {"auc": 0.8, "ece": 0.02}, {"auc": 0.7}, True, "better"),
        (BOUNDED, {"auc": 0.8, "ece": 0.04}, {"auc": 0.7}, False, "exceeds"),
        (BOUNDED, {"auc": 0.8}, {"auc": 0.7}, False, "exceeds"),
    ],
)
def test_verdicts(gate: Gate, metrics: Metrics, baseline: Metrics, passed: bool, words: str) -> None:
    verdict = apply_gate(family(gate), backtest(metrics, baseline))
    assert verdict.passed is passed
    assert words in verdict.reason
