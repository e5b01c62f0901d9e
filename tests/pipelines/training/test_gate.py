"""The gate: which of a model and its baseline answers, how often chance is believed, and what it says."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import pytest

from contracts.bundle import Verdict
from models.statistics.paired_bootstrap import PairedCases
from pipelines.families.family import Backtest, Family, FittedFamily, Gate, Metrics, TrainingData
from pipelines.training.gate import apply_gate, unjudged

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
CUSTOMERS = 338


@dataclass(frozen=True)
class NoParameters:
    pass


def never(data: TrainingData) -> Backtest:
    raise AssertionError("the gate does not train")


def never_fit(data: TrainingData) -> FittedFamily:
    raise AssertionError("the gate does not fit")


HIT = Gate("hit", higher_is_better=True, label="hit rate", unit="customers")
LOSS = Gate("loss", higher_is_better=False, label="loss", unit="items")
BOUNDED = replace(HIT, at_most={"ece": 0.03})


def family(gate: Gate = HIT) -> Family:
    return Family("taste", "customers", "guessing", gate, NoParameters, never, never_fit, fit_baseline=never_fit)


def judged(ours: np.ndarray, baseline: np.ndarray, gate: Gate = HIT, unit: np.ndarray | None = None) -> Backtest:
    """A backtest whose metric is the mean of these cases."""
    paired = PairedCases(np.arange(len(ours)) if unit is None else unit, ours, baseline)
    metrics: tuple[Metrics, Metrics] = ({gate.metric: float(ours.mean())}, {gate.metric: float(baseline.mean())})
    return Backtest(MOMENT, MOMENT, len(ours), *metrics, paired, baseline_name="popular items")


def drawn(shift: float, gate: Gate = HIT, seed: int = 1, cases: int = CUSTOMERS) -> Backtest:
    """A model that is better by `shift` on average, with noise of 1 around a baseline."""
    random = np.random.default_rng(seed)
    baseline = random.normal(0.5, 0.2, cases)
    return judged(baseline + random.normal(shift, 1, cases), baseline, gate)


@pytest.mark.parametrize("cases", [12, 40, 300])
def test_a_model_worth_nothing_is_published_in_at_most_5_of_100_draws(cases: int) -> None:
    findings = [apply_gate(family(), drawn(0.0, seed=seed, cases=cases)).finding for seed in range(200)]
    assert findings.count("better") <= 10
    assert findings.count("worse") <= 10


@pytest.mark.parametrize(
    ("shift", "gate", "finding", "answers"),
    [
        (0.5, HIT, "better", "model"),
        (-0.5, HIT, "worse", "baseline"),
        (-0.5, LOSS, "better", "model"),
        (0.5, LOSS, "worse", "baseline"),
    ],
)
def test_what_is_clear_is_found_in_either_direction(shift: float, gate: Gate, finding: str, answers: str) -> None:
    verdict = apply_gate(family(gate), drawn(shift, gate))
    assert (verdict.finding, verdict.answers) == (finding, answers)
    assert verdict.gain is not None
    assert verdict.gain_low is not None
    assert verdict.gain_high is not None
    assert verdict.gain_low < verdict.gain < verdict.gain_high
    assert (verdict.gain > 0) == (finding == "better")


def test_a_gain_that_is_a_rounding_error_is_no_gain() -> None:
    baseline = np.linspace(0.2, 0.8, CUSTOMERS)
    assert apply_gate(family(), judged(baseline + 1e-12, baseline)).finding == "unclear"
    assert apply_gate(family(), judged(baseline + 1e-3, baseline)).finding == "better"


def test_a_served_model_stays_where_the_new_one_is_clearly_worse() -> None:
    verdict = apply_gate(family(), drawn(-0.5), is_served=True)
    assert (verdict.finding, verdict.answers) == ("worse", None)
    assert "not published" in verdict.reason
    assert apply_gate(family(), drawn(0.0), is_served=True).answers == "baseline"


def test_many_cases_of_few_customers_are_few_cases() -> None:
    ours, customer = np.ones(500), np.arange(500) % 5
    verdict = apply_gate(family(), judged(ours, ours - 0.5, unit=customer))
    assert (verdict.finding, verdict.answers) == ("too_few", "baseline")
    assert "5 customers" in verdict.reason


def test_a_metric_that_is_not_defined_cannot_be_judged() -> None:
    found = replace(drawn(0.5), metrics={"hit": None})
    assert apply_gate(family(), found).finding == "too_few"


@pytest.mark.parametrize(
    ("ece", "baseline_ece", "answers"),
    [
        (0.02, 0.5, "model"),
        (0.04, 0.02, "baseline"),
        (0.04, 0.05, None),
        (None, 0.02, "baseline"),
        (float("nan"), 0.02, "baseline"),
    ],
)
def test_bounds_hold_for_whoever_answers(ece: float | None, baseline_ece: float, answers: str | None) -> None:
    found = drawn(0.5)
    bounded = replace(
        found,
        metrics=found.metrics | {"ece": ece},
        baseline_metrics=found.baseline_metrics | {"ece": baseline_ece},
    )
    verdict = apply_gate(family(BOUNDED), bounded)
    assert (verdict.finding, verdict.answers) == ("better", answers)
    assert ("above the bound of 0.03" in verdict.reason) == (answers != "model")


def test_a_family_without_a_baseline_that_can_answer_says_nothing() -> None:
    verdict = apply_gate(replace(family(), fit_baseline=None), drawn(0.0))
    assert (verdict.finding, verdict.answers) == ("unclear", None)


def test_a_model_that_predicted_nothing_has_not_passed() -> None:
    nothing = np.zeros(50)
    verdict = apply_gate(family(), replace(judged(nothing, nothing), nothing="nothing to call"))
    assert (verdict.finding, verdict.answers) == ("nothing", "baseline")
    assert verdict.reason == "nothing to call on 50 customers, so the baseline answers"


def test_the_reason_is_a_sentence_for_a_person() -> None:
    ours, baseline = np.zeros(100), np.zeros(100)
    ours[:8], baseline[:7] = 1, 1
    verdict = apply_gate(family(), judged(ours, baseline))
    assert verdict.reason == (
        "not clearly better than popular items on 100 customers (hit rate 0.08, popular items 0.07, "
        f"gain {verdict.gain_low:.2g} to {verdict.gain_high:.2g}), so the baseline answers"
    )


def test_without_a_backtest_the_baseline_answers() -> None:
    assert unjudged(family(), "needs 30 customers.") == Verdict(
        "too_few", "baseline", "too few cases to judge, so the baseline answers (needs 30 customers)"
    )
