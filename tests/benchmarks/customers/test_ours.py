"""What the value family is asked with, and what is taken of its answer."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.customers import ours
from benchmarks.customers.ours import order_events, predict_ours
from benchmarks.customers.split import split
from contracts import columns as c
from models.lifetime_value.model import ValuePrediction
from pipelines.families.family import TrainingData
from tests.benchmarks.customers.test_baselines import ORDERS
from tests.benchmarks.customers.worlds import END


def test_the_family_is_asked_with_what_was_known_alone_and_its_means_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    cut = split(ORDERS, END, 90, ORDERS)

    def answer(data: TrainingData, horizons: tuple[int, ...]) -> tuple[pa.Array, dict[int, ValuePrediction]]:
        events = data.events.to_pyarrow().to_pandas()
        assert data.as_of == END.to_pydatetime().replace(tzinfo=UTC) > events[c.OCCURRED_AT].max()
        assert len(events) == len(cut.history) + len(cut.further if cut.further is not None else ())
        ids = sorted(events[c.USER_ID].unique())
        number = np.arange(len(ids), dtype=float)
        return pa.array(ids), {90: ValuePrediction(number * 0, number, number * 2, number, number * 3)}

    monkeypatch.setattr(ours, "predict", answer)
    found = predict_ours(cut)
    # Further customers come after the others in the order of identifiers, so the others are counted from 0.
    assert found["orders"].tolist() == list(range(len(cut.customers)))
    assert {name: column[1] for name, column in found.items()} == {
        "orders": 1,
        "spend": 2,
        "spend_low": 1,
        "spend_high": 3,
    }


def test_an_order_is_an_event_of_its_value() -> None:
    events = order_events(ORDERS, datetime(2025, 3, 1, tzinfo=UTC)).to_pandas()
    past = ORDERS[ORDERS["ordered_at"] < "2025-03-01"]
    assert len(events) == len(past)
    assert (events[c.PRICE] * events[c.QUANTITY]).sum() == pytest.approx(past["order_value"].sum())
    assert events[c.OCCURRED_AT].max() < datetime(2025, 3, 1, tzinfo=UTC)
