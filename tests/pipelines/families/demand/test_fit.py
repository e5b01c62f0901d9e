"""Within a run each fit is made once, whichever family asks; two runs share nothing."""

from dataclasses import replace

import pytest

from models.demand.model import DemandModel, DemandParameters
from models.demand.panel import Panel
from models.protocol import FitContext
from pipelines.families.demand.family import DEMAND
from pipelines.families.demand.fit import fit_store_demand, fitted_demand
from pipelines.families.demand.panel_builder import store_demand
from pipelines.families.demand.parameters import StoreDemandParameters
from pipelines.families.inventory.family import INVENTORY
from pipelines.families.run_cache import RunCache
from tests.pipelines.families.inventory.test_family import TERMS, sold_units, training_data

FEW = StoreDemandParameters(rounds=20)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many periods each fit saw."""
    seen: list[int] = []
    fit = DemandModel.fit

    def counting(panel: Panel, parameters: DemandParameters, context: FitContext) -> DemandModel:
        seen.append(panel.periods)
        return fit(panel, parameters, context)

    monkeypatch.setattr(DemandModel, "fit", counting)
    return seen


def test_inventory_is_judged_and_planned_by_the_models_of_the_demand_family(counted: list[int]) -> None:
    data = replace(training_data(sold_units()), seed=11, required={"demand": FEW})
    of_demand = replace(data, parameters=FEW)
    DEMAND.backtest(of_demand)
    DEMAND.fit(of_demand)
    assert len(counted) == 2
    of_inventory = replace(data, parameters=TERMS)
    INVENTORY.backtest(of_inventory)
    INVENTORY.fit(of_inventory)
    assert len(counted) == 2


def test_two_runs_share_no_fit(counted: list[int]) -> None:
    data = replace(training_data(sold_units()), parameters=FEW)
    first = fitted_demand(data, FEW)
    assert fitted_demand(replace(data, parameters=TERMS), FEW) is first
    assert len(counted) == 1
    assert fitted_demand(replace(data, cache=RunCache()), FEW) is not first
    assert len(counted) == 2


def test_another_past_another_seed_or_other_settings_are_fitted_anew(counted: list[int]) -> None:
    data = replace(training_data(sold_units()), seed=12)
    demand = store_demand(data, FEW, data.as_of)
    first = fit_store_demand(demand, FEW, data)
    assert fit_store_demand(store_demand(data, FEW, data.as_of), FEW, data) is first
    assert fit_store_demand(demand, FEW, replace(data, seed=13)) is not first
    assert fit_store_demand(demand, replace(FEW, rounds=10), data) is not first
    units = demand.panel.units.copy()
    units[0, 0] += 1
    fit_store_demand(replace(demand, panel=replace(demand.panel, units=units)), FEW, data)
    assert len(counted) == 4
