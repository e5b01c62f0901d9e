"""Defaults follow the frequency, and invalid values are refused."""

from typing import Any

import pytest

from contracts.errors import InputError
from models.demand.frequency import WEEK
from pipelines.families.demand.parameters import HISTORY_DAYS, HORIZONS, StoreDemandParameters


@pytest.mark.parametrize("frequency", ["day", "week", "month"])
def test_horizon_and_history_follow_the_frequency_unless_they_are_set(frequency: str) -> None:
    parameters = StoreDemandParameters(frequency=frequency)
    assert parameters.horizon_periods == HORIZONS[frequency]
    assert parameters.history_days == HISTORY_DAYS[frequency]
    chosen = StoreDemandParameters(frequency=frequency, horizon=5, history=100)
    assert (chosen.horizon_periods, chosen.history_days) == (5, 100)


def test_the_model_gets_horizon_rows_and_rounds() -> None:
    model = StoreDemandParameters(frequency="W", horizon=5, max_training_rows=9, rounds=3).of_model()
    assert (model.horizon, model.boosting.max_rows, model.boosting.rounds) == (5, 9, 3)
    assert StoreDemandParameters(frequency="W").counted is WEEK


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"frequency": "hour"}, "'hour' is not known. Allowed are D"),
        ({"country": "Atlantis"}, "country is 'Atlantis'; give the code"),
        ({"horizon": 0}, "horizon is 0; at least 1"),
        ({"false_alarms_per_item_year": -0.1}, "false_alarms_per_item_year is -0.1; at least 0"),
    ],
)
def test_invalid_values_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        StoreDemandParameters(**given)
