"""What segments predict and why customers change segment, on few customers."""

import numpy as np
import pytest

from models.segments.stability import explained_variance, outcome_by_segments, segment_stability

Segmented = tuple[list[np.ndarray], np.ndarray]


def explained(earlier: Segmented, later: Segmented) -> float | None:
    return explained_variance(outcome_by_segments(earlier, later[0]), later[1])


def test_perfect_segments_explain_everything_whatever_the_common_shift() -> None:
    groups = np.array(["a", "b"] * 50)
    outcome = np.where(groups == "a", 10.0, 0.0)
    assert explained(([groups], outcome), ([groups], outcome * 2 + 5)) == pytest.approx(1.0)


def test_random_segments_explain_nothing() -> None:
    random = np.random.default_rng(1)
    groups = random.choice(list("abcdefghijk"), 2_000)
    outcome = random.normal(size=2_000)
    assert explained(([groups[:1000]], outcome[:1000]), ([groups[1000:]], outcome[1000:])) < 0.01  # type: ignore[operator]


def test_a_reversed_effect_explains_nothing() -> None:
    groups = np.array(["a", "b"] * 50)
    outcome = np.where(groups == "a", 10.0, 0.0)
    assert explained(([groups], outcome), ([groups], -outcome)) == 0.0


def test_two_groupings_explain_together_what_neither_does_alone() -> None:
    first, second = np.array(["a", "a", "b", "b"] * 25), np.array(["x", "y"] * 50)
    outcome = (first == "a") * 1.0 + (second == "x") * 1.0
    together = explained(([first, second], outcome), ([first, second], outcome))
    alone = explained(([first], outcome), ([first], outcome))
    assert together == pytest.approx(1.0)
    assert alone == pytest.approx(0.5)


def test_the_effect_of_a_small_segment_is_shrunk() -> None:
    before = np.array(["many"] * 200 + ["few"])
    outcome = np.append(np.tile([0.0, 1.0], 100), 1_000.0)
    later = np.array(["many"] * 100 + ["few"] * 100)
    fair = np.tile([0.0, 1.0], 100)
    assert explained(([before], outcome), ([later], fair)) == pytest.approx(0.0)


def test_a_constant_outcome_is_not_defined() -> None:
    groups = np.array(["a", "b"])
    assert explained(([groups], np.array([1.0, 2.0])), ([groups], np.ones(2))) is None


def test_an_unknown_segment_is_average() -> None:
    groups, later = np.array(["a", "b"] * 10), np.array(["new", "newer"] * 10)
    assert explained(([groups], np.arange(20.0)), ([later], np.arange(20.0))) == 0.0


def test_each_change_has_one_cause() -> None:
    before = np.array(["loyal", "loyal", "loyal", "loyal", "lost"])
    after = np.array(["loyal", "champions", "at risk", "champions", "lost"])
    with_old_boundaries = np.array(["loyal", "champions", "at risk", "loyal", "loyal"])
    has_ordered = np.array([True, True, False, False, False])
    changes = segment_stability(before, after, with_old_boundaries, has_ordered)
    assert changes == {
        "changed": 3,
        "changed_share": 0.6,
        "ordered": 1,
        "time_or_visits": 1,
        "boundary_moved": 1,
        "boundary_moved_share": 0.2,
        "moves": [
            {"from": "loyal", "to": "champions", "customers": 2},
            {"from": "loyal", "to": "at risk", "customers": 1},
        ],
    }


def test_nobody_changed() -> None:
    names = np.array(["loyal", "lost"])
    changes = segment_stability(names, names, names, np.array([True, False]))
    assert (changes["changed"], changes["moves"]) == (0, [])
