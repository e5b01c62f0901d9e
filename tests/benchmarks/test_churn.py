"""The churn benchmark: every method scores the same customers of the same day, by what was known then."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from benchmarks import churn
from benchmarks.churn import Month, evaluated, pareto_risk, summary
from models.churn.model import ChurnPrediction
from tests.benchmarks.customers.test_baselines import ORDERS
from tests.benchmarks.customers.worlds import END

START = pd.Timestamp("2025-07-01")


def month(outcome: list[float], **risks: list[float]) -> Month:
    return Month(START, np.array(outcome), {name: np.array(risk) for name, risk in risks.items()}, 0.5)


def test_ranking_is_averaged_over_months_and_calibration_is_of_all_cases() -> None:
    # Each month is off by .25, in opposite directions: together the risks are right.
    low = month([0, 1, 1, 1], churn_risk=[0.5, 0.5, 0.5, 0.5], recency=[0.1, 0.2, 0.3, 0.4])
    high = month([0, 0, 0, 1], churn_risk=[0.5, 0.5, 0.5, 0.5], recency=[0.4, 0.3, 0.2, 0.1])
    assert low.metrics["churn_risk"]["ece"] == pytest.approx(0.25)
    found = summary([low, high])
    assert found["cases"] == 8
    assert found["methods"]["churn_risk"]["ece"] == 0
    assert found["methods"]["churn_risk"]["brier"] == 0.25
    assert found["methods"]["recency"]["auc"] == pytest.approx((1 + 0) / 2)
    assert found["methods"]["recency"]["brier"] is found["methods"]["recency"]["ece"] is None


def test_pareto_scores_the_named_customers_and_sees_nothing_after_the_cut() -> None:
    wanted = pa.array(["30", "7", "112"])
    risk = pareto_risk(ORDERS, END, 60, wanted)
    everybody = pareto_risk(ORDERS, END, 60, pa.array(sorted(ORDERS["customer_id"].unique())))
    by_id = dict(zip(sorted(ORDERS["customer_id"].unique()), everybody.tolist(), strict=True))
    assert risk.tolist() == [by_id[name] for name in wanted.to_pylist()]
    np.testing.assert_array_equal(risk, pareto_risk(ORDERS[ORDERS["ordered_at"] < END], END, 60, wanted))


def test_all_methods_score_the_customers_of_the_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    class Says:
        def predict(self, features: np.ndarray, threads: int = 1) -> Any:
            asked.append(features)
            half = np.full(len(features), 0.5)
            return ChurnPrediction(half, half, half)

    model, baseline = Says(), Says()

    def fit_at(cut: Any, *_: Any) -> SimpleNamespace:
        asked.append(cut)
        return SimpleNamespace(model=model, baseline=baseline)

    monkeypatch.setattr(churn, "fit_at", fit_at)
    found = evaluated(ORDERS, END, 45)
    assert pd.Timestamp(asked[0]) == END.tz_localize("UTC")
    assert {len(risk) for risk in found.risks.values()} == {len(found.outcome)}
    assert asked[1] is asked[2]
    last = ORDERS[ORDERS["ordered_at"] < END].groupby("customer_id")["ordered_at"].max()
    recent = last[last > END - pd.Timedelta(days=90)]
    again = set(ORDERS[ORDERS["ordered_at"].between(END, END + pd.Timedelta(days=44))]["customer_id"])
    assert len(found.outcome) == len(recent)
    assert found.outcome.sum() == sum(name not in again for name in recent.index)
    # The longest silence has the highest place.
    longest = np.sort(recent.index).tolist().index(recent.idxmin())
    assert found.risks["recency"][longest] == found.risks["recency"].max()
