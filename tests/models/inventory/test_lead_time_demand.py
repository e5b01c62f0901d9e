"""What a forecast says of an order's stretches, whatever horizon its model learnt for."""

from dataclasses import replace

import numpy as np
import pytest

from models.demand.forecast import QUANTILE_LEVELS
from models.demand.model import DemandModel
from models.inventory.lead_time_demand import cycle_demand, model_forecaster
from models.inventory.service_level import CycleDemand
from models.inventory.simulation import SimulationTerms
from models.protocol import FitContext
from tests.models.demand.worlds import SMALL, panel_of, rates, sales

TERMS = SimulationTerms(lead_time=3, review=4)
PANEL = panel_of(sales(rates(12, 112)))
CONTEXT = FitContext(seed=0, threads=1)
MODEL = DemandModel.fit(PANEL, SMALL, CONTEXT)


def test_it_is_the_models_forecast_within_its_horizon() -> None:
    forecast_demand, whole = model_forecaster(MODEL, TERMS.lead_time, TERMS.protected)(PANEL), MODEL.predict(PANEL)
    assert isinstance(forecast_demand, CycleDemand)
    np.testing.assert_array_equal(forecast_demand.lead.units, whole.total(3, QUANTILE_LEVELS))
    np.testing.assert_array_equal(forecast_demand.protected.units, whole.total(7, QUANTILE_LEVELS))


@pytest.mark.parametrize("ahead", [TERMS.protected, TERMS.protected + 5])
def test_a_shorter_known_future_changes_little(ahead: int) -> None:
    promotion = {"promotion": np.zeros((12, 112 + SMALL.horizon), dtype=np.float32)}
    model = DemandModel.fit(panel_of(PANEL.units, future=promotion), SMALL, CONTEXT)
    short = {"promotion": promotion["promotion"][:, : 112 + ahead]}
    forecaster = model_forecaster(model, TERMS.lead_time, TERMS.protected)
    found = [forecaster(panel_of(PANEL.units, future=known)) for known in (promotion, short)]
    np.testing.assert_allclose(found[1].quantile(0.95), found[0].quantile(0.95), rtol=0.1)


def test_every_item_has_its_own_periods_and_no_lead_time_has_no_demand() -> None:
    forecast = MODEL.predict(PANEL)
    lead, protected = np.arange(12) % 2 * 3, np.full(12, 7)
    cycle = cycle_demand(forecast, lead, protected)
    assert not cycle.lead.units[::2].any()
    np.testing.assert_array_equal(cycle.lead.units[1::2], forecast.total(3, QUANTILE_LEVELS)[1::2])
    np.testing.assert_array_equal(cycle.quantile(0.95)[::2], cycle.protected.quantile(0.95)[::2])
    assert replace(cycle, lead=cycle.protected).quantile(0.95).shape == (12,)
