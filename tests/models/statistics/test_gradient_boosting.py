"""The same rows and seed give the same trees, on any number of threads."""

import lightgbm as lgb
import numpy as np

from models.statistics.gradient_boosting import settings

RANDOM = np.random.default_rng(0)
FEATURES = RANDOM.random((400, 3))
TARGET = FEATURES[:, 0] + RANDOM.normal(0, 0.1, 400)


def trees(seed: int, threads: int = 1) -> str:
    """The fitted trees, without the parameters that the text repeats."""
    parameters = settings(objective="regression", seed=seed, threads=threads, bagging_fraction=0.5, bagging_freq=1)
    text: str = lgb.train(parameters, lgb.Dataset(FEATURES, TARGET), 4).model_to_string()
    return text.partition("parameters:")[0]


def test_the_same_seed_gives_the_same_trees_on_any_number_of_threads() -> None:
    assert trees(seed=1) == trees(seed=1, threads=2)
    assert trees(seed=1) != trees(seed=2)  # the control: the seed matters


def test_differences_reach_lightgbm_and_cannot_undo_reproducibility() -> None:
    found = settings(objective="binary", seed=3, threads=2, num_leaves=5, deterministic=False)
    assert found["objective"] == "binary"
    assert (found["seed"], found["num_threads"], found["num_leaves"]) == (3, 2, 5)
    assert found["deterministic"] is found["force_row_wise"] is True
