import numpy as np
import pytest

from models.uplift.evaluation import OURS, UpliftJudgement, judged
from models.uplift.meta_learners import LEARNERS, RESPONSE, Trial
from models.uplift.model import UpliftParameters, deal_folds
from tests.models.uplift.worlds import persuadables, unmoved

PARAMETERS = UpliftParameters(trees=60, learning_rate=0.06, folds=3)


def judgement_of(trial: Trial) -> UpliftJudgement:
    return judged(trial, deal_folds(trial, 3, 1), deal_folds(trial, 3, 2), PARAMETERS, 1)


def test_a_true_difference_is_seen_and_is_no_accident() -> None:
    judgement = judgement_of(persuadables()[0])
    ours, response = judgement.metrics(OURS), judgement.metrics(RESPONSE)
    assert (ours["qini"] or 0) > (response["qini"] or 0) + 0.02
    assert ours["uplift_at_30"] == pytest.approx(0.2, abs=0.05)
    doubt = judgement.doubt(1)
    assert (doubt["qini_low"] or 0) > 0
    assert (doubt["chance_no_better"] or 0) < 0.1
    assert {choice.chosen for choice in judgement.choices} <= set(LEARNERS)


def test_where_nobody_is_changed_nothing_is_found() -> None:
    judgement = judgement_of(unmoved())
    assert judgement.metrics(OURS)["qini"] == pytest.approx(0, abs=0.05)
    assert (judgement.doubt(1)["chance_no_better"] or 0) > 0.1


def test_a_part_has_no_say_in_its_own_scores() -> None:
    """Turning round the outcomes of one part changes the ranks of the others only."""
    trial, _ = persuadables(3000)
    parts, folds = deal_folds(trial, 3, 1), deal_folds(trial, 3, 2)
    turned = np.where(parts == 0, 1 - trial.outcome, trial.outcome)
    before = judged(trial, parts, folds, PARAMETERS, 1).ranks[OURS]
    after = judged(Trial(trial.features, trial.treated, turned, trial.weight), parts, folds, PARAMETERS, 1).ranks[OURS]
    assert np.array_equal(before[parts == 0], after[parts == 0])
    assert not np.array_equal(before[parts == 1], after[parts == 1])
