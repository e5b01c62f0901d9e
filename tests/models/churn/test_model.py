"""The churn model finds a planted rule, finds nothing in noise, is additive and monotone, and survives its files."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from contracts.errors import InputError
from models.churn.model import ChurnCases, ChurnModel, ChurnParameters
from models.protocol import FitContext
from tests.models.churn.worlds import NAMES, Labelled, labelled, training_cases

ORDER_DAYS = NAMES.index("order_days")
PARAMETERS = ChurnParameters(trees=60)


def fitted(earlier: Labelled, latest: Labelled) -> ChurnModel:
    return ChurnModel.fit(training_cases(earlier, latest), PARAMETERS, FitContext(seed=1))


@pytest.fixture(scope="module")
def model() -> ChurnModel:
    return fitted(labelled(2000, seed=0), labelled(1000, seed=1))


def test_cases_are_numbered_by_snapshot_and_sampled_evenly() -> None:
    cases = ChurnCases.concatenated({n: labelled(10, seed=n) for n in (0, 2, 4, 5)}, known_from=4)
    assert cases.snapshot.tolist() == [0] * 10 + [2] * 10 + [4] * 10 + [5] * 10
    assert set(cases.latest.snapshot.tolist()) == {0}
    assert set(cases.earlier.snapshot.tolist()) == {4, 5}
    assert cases.sampled(40, seed=1) is cases
    sampled = cases.sampled(15, seed=1)
    assert len(sampled.outcome) == 15
    assert (np.diff(sampled.snapshot) >= 0).all()


def test_a_planted_rule_is_found(model: ChurnModel) -> None:
    features, outcome = labelled(2000, seed=2)
    assert roc_auc_score(outcome, model.predict(features).risk) > 0.75


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_shuffled_outcomes_teach_nothing(seed: int) -> None:
    chance = np.random.default_rng(seed)
    training, later, test = (
        (features, chance.permutation(outcome))
        for features, outcome in (labelled(2000, seed=0), labelled(1000, seed=1), labelled(30_000, seed=2))
    )
    nonsense = fitted(training, later)
    risk = nonsense.predict(test[0]).risk
    assert abs(roc_auc_score(test[1], risk) - 0.5) < 0.02
    assert np.abs(risk - test[1].mean()).mean() < 0.05
    # The control: had the test rows been among the training rows, this test would fail.
    assert roc_auc_score(training[1], nonsense.trees.score(training[0])) > 0.55


def test_longer_silence_never_lowers_the_risk(model: ChurnModel) -> None:
    features = np.repeat(labelled(1, seed=3)[0], 50, axis=0)
    features[:, NAMES.index("recency_days")] = np.linspace(0, 200, 50)
    assert (np.diff(model.predict(features).risk) >= -1e-12).all()


def test_contributions_rank_like_the_risk_and_name_the_rule(model: ChurnModel) -> None:
    features, _ = labelled(500, seed=4)
    contributions = model.explain(features)
    assert contributions.shape == features.shape
    for group in (features[:, ORDER_DAYS] <= 1, features[:, ORDER_DAYS] > 1):
        order = np.argsort(contributions[group].sum(axis=1))
        assert (np.diff(model.predict(features[group]).risk[order]) >= 0).all()
    strongest = np.abs(contributions).mean(axis=0).argsort()[::-1][:2]
    assert {NAMES[n] for n in strongest} == {"recency_days", "gap_ratio"}


def test_the_interval_is_wide_on_little_data_and_narrow_on_much() -> None:
    widths = {}
    for cases in (60, 6000):
        prediction = fitted(labelled(cases, seed=0), labelled(cases, seed=1)).predict(labelled(500, seed=2)[0])
        widths[cases] = float((prediction.high - prediction.low).mean())
    assert widths[60] > 1.5 * widths[6000]
    assert widths[6000] < 0.15


def test_the_files_are_text_and_json(model: ChurnModel, tmp_path: Path) -> None:
    model.write(tmp_path, {"horizon_days": 30})
    assert {path.name for path in tmp_path.iterdir()} == {"model.txt", "calibration.json", "parameters.json"}


def test_the_same_seed_gives_the_same_model(model: ChurnModel) -> None:
    again = fitted(labelled(2000, seed=0), labelled(1000, seed=1))
    assert again.trees == model.trees
    assert again.calibration == model.calibration


def test_no_customers_get_no_predictions(model: ChurnModel) -> None:
    nobody = np.empty((0, len(NAMES)))
    assert [column.shape for column in model.predict(nobody)] == [(0,)] * 3
    assert model.explain(nobody).shape == nobody.shape


@pytest.mark.parametrize("wrong", [{"horizon_days": 0}, {"horizon_quantile": 1.0}, {"snapshots": 0}])
def test_impossible_parameters_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        ChurnParameters(**wrong)  # type: ignore[arg-type]
