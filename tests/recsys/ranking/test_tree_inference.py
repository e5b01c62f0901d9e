"""Trees: bit for bit the scores of the library that trained them, or a refusal."""

import re
from functools import cache
from typing import Any

import lightgbm
import numpy as np
import pytest

from contracts.errors import BundleRefused
from recsys.ranking.tree_inference import Trees

COLUMNS = 6


def rows(count: int, seed: int) -> np.ndarray:
    """Some columns smooth, some of few values that thresholds may hit, one of tiny and one of huge numbers."""
    random = np.random.default_rng(seed)
    table = random.normal(size=(count, COLUMNS))
    table[:, 1] = random.integers(0, 4, count)
    table[:, 2] = np.round(table[:, 2], 1)
    table[:, 3] *= 1e-30
    table[:, 4] *= 1e30
    return table.astype(np.float32)


def booster(labels: np.ndarray | None = None, seed: int = 0, **options: Any) -> lightgbm.Booster:
    features = rows(400, seed)
    if labels is None:
        smooth, few, rounded, tiny, huge, _ = features.T
        labels = smooth + few * (rounded > 0) + np.sign(tiny) + huge / 1e30
    categorical = options.pop("categorical", [])
    taught = lightgbm.Dataset(features, label=labels, categorical_feature=categorical)
    rounds = options.pop("rounds", 12)
    fixed = {"verbose": -1, "num_threads": 1, "seed": seed, "min_data_in_leaf": 3, "use_missing": False}
    return lightgbm.train(fixed | options, taught, rounds)


@cache
def text() -> str:
    return str(booster().model_to_string())


def check(model: lightgbm.Booster) -> np.ndarray:
    """The scores, found equal to the library's."""
    unseen = rows(500, 99)
    unseen[:20] = rows(400, 0)[:20]
    scores = Trees.of(model.model_to_string()).scores(unseen)
    np.testing.assert_array_equal(scores, model.predict(unseen, raw_score=True))
    return scores


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("leaves", [2, 3, 31, 200])
def test_scores_are_the_librarys_bit_for_bit(leaves: int, seed: int) -> None:
    scores = check(booster(seed=seed, num_leaves=leaves))
    assert len(np.unique(scores)) > leaves


@pytest.mark.parametrize("options", [{"max_depth": 1}, {"max_depth": 2}, {"max_bin": 3}, {"rounds": 1}])
def test_stumps_and_small_ensembles_too(options: dict[str, Any]) -> None:
    assert len(np.unique(check(booster(**options)))) > 1


def test_a_tree_without_a_split_says_the_same_of_all() -> None:
    constant = check(booster(np.full(400, 2.5)))
    assert len(np.unique(constant)) == 1
    few = check(booster(min_data_in_leaf=300))
    assert len(np.unique(few)) == 1


def test_splits_and_constant_trees_may_follow_each_other() -> None:
    blocks = [re.sub(r"end of trees.*", "", part, flags=re.DOTALL) for part in (stump(), stump(leaf_value="10 20"))]
    constant = "Tree=1\nnum_leaves=1\nsplit_feature=\nleaf_value=100\n\n"
    joined = f"{blocks[0]}{constant}{blocks[1].partition('Tree=')[1]}{blocks[1].partition('Tree=')[2]}end of trees"
    assert Trees.of(joined).scores(np.array([[0], [1]], np.float32)).tolist() == [111.0, 122.0]


def test_a_threshold_between_two_float32_neighbours_decides_as_it_is_written() -> None:
    for threshold in (0.1, 1 / 3, 1e-35, 16777217.0, -0.3, 0.0, 1.0, 1e300, -1e300):
        inside = min(max(threshold, -3e38), 3e38)
        near = np.float32(inside)
        asked = np.array([np.nextafter(near, np.float32(-np.inf)), near, np.nextafter(near, np.float32(np.inf))])
        found = Trees.of(stump(threshold=f"{threshold:.17g}")).scores(asked[:, None].astype(np.float32))
        assert found.tolist() == [1.0 if value <= threshold else 2.0 for value in asked.astype(np.float64).tolist()]


def stump(**changed: str) -> str:
    """One split on one feature: 1 below, 2 above."""
    lines = {
        "num_leaves": "2",
        "split_feature": "0",
        "threshold": "0.5",
        "decision_type": "2",
        "left_child": "-1",
        "right_child": "-2",
        "leaf_value": "1 2",
    } | changed
    tree = "\n".join(f"{name}={value}" for name, value in lines.items())
    return f"tree\nfeature_names=Column_0\n\nTree=0\n{tree}\n\nend of trees\n"


def test_no_rows_have_no_scores() -> None:
    assert Trees.of(text()).scores(np.zeros((0, COLUMNS), np.float32)).shape == (0,)


def test_categorical_splits_are_refused() -> None:
    numeric, categorical = booster(), booster(categorical=[1], min_data_per_group=1, cat_smooth=0.0)
    Trees.of(numeric.model_to_string())
    assert re.search(r"num_cat=[1-9]", categorical.model_to_string())
    with pytest.raises(BundleRefused, match="only numerical ones"):
        Trees.of(categorical.model_to_string())


@pytest.mark.parametrize("kind", ["1", "4", "8", "10"])  # categorical, zero as missing, NaN as missing
def test_splits_of_other_types_are_refused(kind: str) -> None:
    for plain in ("0", "2"):
        assert Trees.of(stump(decision_type=plain)).scores(np.zeros((1, 1), np.float32)) == [1.0]
    with pytest.raises(BundleRefused, match=rf"types \[{kind}\]"):
        Trees.of(stump(decision_type=kind))


BROKEN = {
    "child out of the tree": {"left_child": "5"},
    "leaf out of the tree": {"left_child": "-9"},
    "circle": {"left_child": "0"},
    "unknown feature": {"split_feature": "1"},
    "feature below the first": {"split_feature": "-1"},
    "no number": {"leaf_value": "1 two"},
    "no threshold": {"threshold": ""},
    "threshold too many": {"threshold": "0.5 0.6"},
    "split without a feature": {"split_feature": ""},
    "split without a child": {"right_child": ""},
    "leaf without a value": {"leaf_value": ""},
}


@pytest.mark.parametrize("changed", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_tree_is_refused(changed: dict[str, str]) -> None:
    Trees.of(stump())
    with pytest.raises(BundleRefused, match=r"not a LightGBM model.* Train again\."):
        Trees.of(stump(**changed))


@pytest.mark.parametrize("part", [0.0, 0.1, 0.4, 0.8])
def test_a_text_that_is_cut_off_is_refused(part: float) -> None:
    whole = text().partition("end of trees")[0]
    with pytest.raises(BundleRefused, match="Train again"):
        Trees.of(whole[: int(len(whole) * part)])
    with pytest.raises(BundleRefused, match="cut off"):  # between two trees
        Trees.of(whole[: whole.index("Tree=5")])


@pytest.mark.parametrize("line", ["feature_names", "split_feature", "threshold", "left_child", "leaf_value"])
def test_a_text_without_a_line_is_refused(line: str) -> None:
    with pytest.raises(BundleRefused, match=line):
        Trees.of(text().replace(f"{line}=", f"no_{line}="))


def test_no_model_at_all_is_refused() -> None:
    for nothing in ("", "hello", "feature_names=a\nend of trees"):
        with pytest.raises(BundleRefused):
            Trees.of(nothing)
