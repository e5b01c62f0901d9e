"""K-means segments of customers of three planted kinds, and their stability in later fits."""

import json

import numpy as np
import pytest

from contracts.errors import BundleRefused
from models.protocol import FitContext
from models.segments.clusters import AVERAGE, AXES, ClusterCases, ClusterParameters, KMeansSegments

PARAMETERS = ClusterParameters()

# order_days, average_order_value, items_per_order, refund_share, views_90d
KINDS = {
    "buys often": (20.0, 15.0, 1.5, 0.02, 6.0),
    "dear orders": (2.0, 150.0, 6.0, 0.02, 2.0),
    "browses a lot": (1.5, 20.0, 1.5, 0.02, 90.0),
}


def fitted(values: np.ndarray, ids: list[str], previous: KMeansSegments | None = None) -> KMeansSegments:
    return KMeansSegments.fit(ClusterCases(values, ids, previous), PARAMETERS, FitContext())


def customers(each: int, seed: int = 1) -> tuple[np.ndarray, list[str], np.ndarray]:
    random = np.random.default_rng(seed)
    kind = np.repeat(np.arange(len(KINDS)), each)
    values = np.array(list(KINDS.values()))[kind] * random.lognormal(0, 0.15, (len(kind), len(AXES)))
    return values, [f"customer-{number}" for number in range(len(kind))], kind


def test_planted_kinds_are_found_and_named_by_what_sets_them_apart() -> None:
    values, ids, kind = customers(100)
    clusters = fitted(values, ids)
    names = clusters.labels(values)
    assert len(clusters.names) == len(KINDS)
    for number, word in enumerate(KINDS):
        (name,) = set(names[kind == number])
        assert word in name
        assert not [other for other in KINDS if other != word and other in name]


def test_names_are_unique_also_where_clusters_differ_in_degree_only() -> None:
    random = np.random.default_rng(2)
    column = np.repeat([1.0, 4.0, 20.0, 100.0, 500.0], 60) * random.lognormal(0, 0.05, 300)
    values = np.column_stack([column, np.full((300, len(AXES) - 1), 3.0)])
    clusters = fitted(values, [str(number) for number in range(300)])
    assert 3 <= len(clusters.names) <= PARAMETERS.max_clusters
    assert len(set(clusters.names)) == len(clusters.names)


def test_customers_who_are_all_alike_are_one_group() -> None:
    clusters = fitted(np.ones((80, len(AXES))), [str(number) for number in range(80)])
    assert clusters.names == (AVERAGE,)
    assert set(clusters.labels(np.ones((3, len(AXES))))) == {AVERAGE}


def test_the_same_customers_give_the_same_clusters_in_any_order() -> None:
    values, ids, _ = customers(60)
    order = np.random.default_rng(3).permutation(len(ids))
    first = fitted(values, ids)
    again = fitted(values[order], [ids[number] for number in order])
    assert set(first.names) == set(again.names)
    assert (first.labels(values)[order] == again.labels(values[order])).all()


def test_a_later_fit_keeps_number_and_names_of_the_one_before() -> None:
    values, ids, _ = customers(100)
    before = fitted(values, ids)
    later = values * np.random.default_rng(5).lognormal(0.02, 0.03, values.shape)
    after = fitted(later, ids, before)
    assert after.names == before.names
    assert (after.labels(values) == before.labels(values)).mean() > 0.99


def test_a_name_that_is_no_longer_true_changes() -> None:
    values, ids, kind = customers(100)
    before = fitted(values, ids)
    changed = values.copy()
    changed[kind == 0] = changed[kind == 0] * [0.05, 1, 1, 30, 1]  # who bought often now returns much
    after = fitted(changed, ids, before)
    (name,) = set(after.labels(changed)[kind == 0])
    assert "returns a lot" in name
    assert "buys often" not in name


def test_a_few_wholesale_buyers_are_no_cluster() -> None:
    values, ids, _ = customers(100)
    values[:2] = [2000.0, 9000.0, 400.0, 0.0, 3.0]
    clusters = fitted(values, ids)
    sizes = np.bincount(clusters.predict(values), minlength=len(clusters.names))
    assert sizes.min() >= 6


def test_missing_and_negative_values_count_as_zero() -> None:
    values, ids, _ = customers(60)
    clusters = fitted(values, ids)
    odd = np.array([[1.0, -5.0, 1.0, np.nan, np.nan], [1.0, 0.0, 1.0, 0.0, 0.0]])
    assert len(set(clusters.predict(odd).tolist())) == 1


def test_json_round_trip_and_clusters_of_other_axes_are_refused() -> None:
    values, ids, _ = customers(60)
    values[:, 3] = 0.0  # nobody returns anything: the axis says nothing
    clusters = fitted(values, ids)
    record = json.loads(json.dumps(clusters.to_json(), allow_nan=False))
    copy = KMeansSegments.from_json(record)
    assert (copy.predict(values) == clusters.predict(values)).all()
    with pytest.raises(BundleRefused, match="other axes"):
        KMeansSegments.from_json(record | {"axes": ["another"]})


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_handful_of_customers_is_no_error(count: int) -> None:
    values = np.arange(count * len(AXES), dtype=float).reshape(count, len(AXES))
    clusters = fitted(values, [str(number) for number in range(count)])
    assert len(clusters.labels(values)) == count
