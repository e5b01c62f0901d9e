"""Folds and subsets of experiments."""

from dataclasses import replace

import numpy as np
import pytest

from tests.models.uplift.worlds import unmoved


def test_folds_are_stratified_by_arm_and_outcome() -> None:
    experiment = unmoved(1000)
    folds = experiment.folds(5, 3)
    assert set(np.bincount(folds)) == {200}
    for values in (experiment.treated, experiment.outcome):
        shares = [values[folds == number].mean() for number in range(5)]
        assert max(shares) - min(shares) < 0.011


def test_all_rows_of_a_customer_are_in_one_fold() -> None:
    experiment = replace(unmoved(600), customers=np.tile(np.arange(200), 3))
    folds = experiment.folds(3, 1)
    assert np.array_equal(folds[:200], folds[200:400])
    assert len(set(folds)) == 3


def test_a_mask_and_indices_select_the_same_rows() -> None:
    experiment = unmoved(50)
    mask = experiment.treated == 1
    by_mask, by_index = experiment.subset(mask), experiment.subset(np.flatnonzero(mask))
    for name, column in vars(by_mask).items():
        assert np.array_equal(column, vars(by_index)[name])
    assert by_mask.treated_share == 1


def test_the_treated_share_is_weighted() -> None:
    experiment = unmoved(4)
    experiment = replace(experiment, treated=np.array([1, 0, 0, 0]), weight=np.array([3.0, 1, 1, 1]))
    assert experiment.treated_share == pytest.approx(0.5)


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(AssertionError):
        replace(unmoved(10), weight=np.ones(9))
