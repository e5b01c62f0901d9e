"""The lifetime-value model: the BTYD forecast, with or without corrections, and an interval from a held-out period."""

from pathlib import Path

import numpy as np
import pytest

from models.lifetime_value.cases import Expectation, ValueCases
from models.lifetime_value.corrections import Corrections
from models.lifetime_value.model import ValueModel, ValueTraining
from models.protocol import FitContext
from tests.models.lifetime_value.worlds import NAMES, PARAMETERS, UNIT_PRICE, spends, world


@pytest.fixture(scope="module")
def held_out() -> tuple[Expectation, np.ndarray]:
    orders, expected, spend = spends(500, seed=0)
    return Expectation(np.full(500, 0.5), orders, expected), spend


@pytest.fixture(scope="module")
def models(held_out: tuple[Expectation, np.ndarray]) -> dict[str, ValueModel]:
    """One with corrections, and one without."""
    cases = world(1500, seed=0)
    training = {
        "corrected": ValueTraining("pareto_nbd", held_out, cases, cases.inputs),
        "alone": ValueTraining("mbg_nbd", held_out),
    }
    return {name: ValueModel.fit(each, PARAMETERS, FitContext(seed=1)) for name, each in training.items()}


@pytest.fixture(scope="module")
def test_cases() -> ValueCases:
    return world(200, seed=5)


def test_without_cases_the_btyd_forecast_stands_alone(models: dict[str, ValueModel], test_cases: ValueCases) -> None:
    prediction = models["alone"].predict(test_cases.inputs)
    assert prediction.spend.tolist() == [20.0] * 200
    assert not models["alone"].explain(test_cases.inputs).any()
    assert models["alone"].model_name == "mbg_nbd"


def test_with_cases_the_forecast_is_corrected_and_keeps_the_total(models: dict[str, ValueModel]) -> None:
    cases = world(1500, seed=0)
    prediction = models["corrected"].predict(cases.inputs)
    assert prediction.orders.mean() == pytest.approx(1.0)
    assert prediction.spend.std() > 1
    assert np.abs(models["corrected"].explain(cases.inputs)).mean(axis=0).argmax() == UNIT_PRICE


def test_the_corrections_are_those_of_the_cases(models: dict[str, ValueModel]) -> None:
    cases = world(1500, seed=0)
    corrections = Corrections.fit(cases, PARAMETERS, FitContext(seed=1)).calibrated(cases.inputs)
    assert models["corrected"].corrections is not None
    assert models["corrected"].corrections.trees == corrections.trees


@pytest.mark.parametrize("name", ["corrected", "alone"])
def test_the_interval_contains_the_expected_spend(
    models: dict[str, ValueModel], test_cases: ValueCases, name: str
) -> None:
    prediction = models[name].predict(test_cases.inputs)
    assert (prediction.low <= prediction.spend).all()
    assert (prediction.spend < prediction.high).all()


def test_the_files_are_text_and_json(models: dict[str, ValueModel], tmp_path: Path) -> None:
    models["corrected"].write(tmp_path, {})
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"incidence.txt", "frequency.txt", "monetary.txt", "parameters.json"}


@pytest.mark.parametrize("name", ["corrected", "alone"])
def test_no_customers_get_no_predictions(models: dict[str, ValueModel], test_cases: ValueCases, name: str) -> None:
    nobody = test_cases.inputs.subset(np.zeros(0, int))
    assert [column.shape for column in models[name].predict(nobody)] == [(0,)] * 5
    assert models[name].explain(nobody).shape == (0, len(NAMES))
