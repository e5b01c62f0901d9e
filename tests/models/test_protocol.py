"""Every customer model keeps the protocol: it predicts the same from its files, and refuses files of other features."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from contracts.errors import BundleRefused
from models.churn.model import ChurnModel, ChurnParameters
from models.lifetime_value.baseline import MeanRateBaseline
from models.lifetime_value.cases import Expectation
from models.lifetime_value.model import ValueModel, ValueTraining
from models.next_purchase.model import HazardModel
from models.protocol import Baseline, CustomerModel, ExplainedModel, FitContext, ItemModel
from models.stored_parameters import PARAMETERS_FILE
from models.trends.model import TrendModel
from models.uplift.model import UpliftModel
from tests.models.churn.worlds import labelled, training_cases
from tests.models.lifetime_value.worlds import PARAMETERS, spends, world


class Example(NamedTuple):
    """A fitted model and the features of some customers."""

    model: ExplainedModel
    features: Any


def churn() -> Example:
    cases = training_cases(labelled(300, seed=0), labelled(300, seed=1))
    return Example(ChurnModel.fit(cases, ChurnParameters(trees=10), FitContext()), labelled(50, seed=2)[0])


def churn_baseline() -> Example:
    cases = training_cases(labelled(300, seed=0), labelled(300, seed=1))
    return Example(ChurnModel.fit_baseline(cases, ChurnParameters(), FitContext()), labelled(50, seed=2)[0])


def value(has_corrections: bool = True) -> Example:
    orders, expected, spend = spends(200, seed=0)
    held_out, cases = (Expectation(np.full(200, 0.5), orders, expected), spend), world(300, seed=0)
    training = ValueTraining("pareto_nbd", held_out, cases if has_corrections else None, cases.inputs)
    return Example(ValueModel.fit(training, PARAMETERS, FitContext()), cases.inputs)


def value_without_corrections() -> Example:
    return value(has_corrections=False)


EXAMPLES: tuple[Callable[[], Example], ...] = (churn, churn_baseline, value, value_without_corrections)


@pytest.fixture(scope="module", params=EXAMPLES, ids=lambda make: make.__name__)
def example(request: pytest.FixtureRequest) -> Example:
    made: Example = request.param()
    return made


def test_it_has_every_method(example: Example) -> None:
    assert isinstance(example.model, ExplainedModel)


def test_what_is_written_predicts_and_explains_the_same_to_the_last_digit(example: Example, tmp_path: Path) -> None:
    example.model.write(tmp_path, {"horizon_days": 30})
    again = type(example.model).read(tmp_path)
    pairs = zip(again.predict(example.features), example.model.predict(example.features), strict=True)
    assert all(np.array_equal(column, expected) for column, expected in pairs)
    assert np.array_equal(again.explain(example.features), example.model.explain(example.features))
    assert json.loads((tmp_path / PARAMETERS_FILE).read_text())["horizon_days"] == 30


def test_every_row_has_a_prediction_and_an_explanation(example: Example) -> None:
    rows = len(example.features)
    assert {len(column) for column in example.model.predict(example.features)} == {rows}
    assert len(example.model.explain(example.features)) == rows


def test_files_of_other_features_are_refused(example: Example, tmp_path: Path) -> None:
    example.model.write(tmp_path, {})
    stored = json.loads((tmp_path / PARAMETERS_FILE).read_text())
    (tmp_path / PARAMETERS_FILE).write_text(json.dumps(stored | {"features": stored["features"][1:]}))
    with pytest.raises(BundleRefused, match="other features"):
        type(example.model).read(tmp_path)


def test_baselines_predict_a_number_per_row() -> None:
    assert isinstance(MeanRateBaseline(30), Baseline)
    assert MeanRateBaseline(30).predict(labelled(60, seed=0)[0]).shape == (60,)


def test_models_without_explanations_keep_the_rest() -> None:
    for model in (HazardModel, UpliftModel):
        assert issubclass(model, CustomerModel)
        assert not issubclass(model, ExplainedModel)
    assert issubclass(TrendModel, ItemModel)


def test_the_protocol_can_fail() -> None:
    assert not isinstance(MeanRateBaseline(30), CustomerModel)
