"""Take customers out of a stored recommender, without fitting it again.

Their ids and histories go. What the sources derived from them stays until the next training, as rows that no id leads
to: the indices of all arrays are the customers', so the erased ones are moved behind all others and lose their names.
"""

from collections.abc import Collection, Mapping

import numpy as np

from recsys.data.interactions import Interactions
from recsys.data.vocabulary import Vocabulary

_BY_CUSTOMER = ("profiles_items", "profiles_weights")


def customers_of(arrays: Mapping[str, np.ndarray]) -> Vocabulary:
    """The customers that the recommender knows."""
    return Vocabulary(arrays["customers_data"], arrays["customers_offsets"])


def without_customers(arrays: Mapping[str, np.ndarray], erased: Collection[str]) -> dict[str, np.ndarray]:
    """The arrays that change; none where no customer of the recommender is erased."""
    customers = customers_of(arrays)
    gone = np.array(sorted(place for each in erased if (place := customers.index(each)) >= 0), np.int64)
    if not len(gone):
        return {}
    is_gone = np.zeros(len(customers), bool)
    is_gone[gone] = True
    moved_to = np.argsort(np.concatenate([np.flatnonzero(~is_gone), gone])).astype(np.int32)  # by former index
    kept = Vocabulary.of(name for name, out in zip(customers.values(), is_gone, strict=True) if not out)
    return {
        "customers_data": kept.data,
        "customers_offsets": kept.offsets,
        **_histories(arrays, customers, kept, is_gone),
        **_profiles(arrays, moved_to),
        "session_log_customers": moved_to[arrays["session_log_customers"]],
    }


def _histories(
    arrays: Mapping[str, np.ndarray], customers: Vocabulary, kept: Vocabulary, is_gone: np.ndarray
) -> dict[str, np.ndarray]:
    columns = (np.asarray(arrays[f"history_{name}"]) for name in ("offsets", "items", "kinds", "times"))
    before = Interactions(customers, 0, *columns)
    after = before.where(~is_gone[before.rows])
    offsets = np.concatenate([after.offsets[:-1][~is_gone], after.offsets[-1:]])
    assert len(offsets) == len(kept) + 1
    return {
        "history_offsets": offsets,
        "history_items": after.items,
        "history_kinds": after.kinds,
        "history_times": after.times,
    }


def _profiles(arrays: Mapping[str, np.ndarray], moved_to: np.ndarray) -> dict[str, np.ndarray]:
    sizes = np.diff(arrays["profiles_offsets"])
    order = np.argsort(np.repeat(moved_to, sizes), kind="stable")
    moved_sizes = np.empty_like(sizes)
    moved_sizes[moved_to] = sizes
    return {
        **{name: np.asarray(arrays[name])[order] for name in _BY_CUSTOMER},
        "profiles_offsets": np.concatenate([[0], np.cumsum(moved_sizes)]).astype(np.int64),
        "profiles_customers": moved_to[arrays["profiles_customers"]],
    }
