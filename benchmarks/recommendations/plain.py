"""Plain lists that need no model: popular items, followers of the latest item, what a customer chose most often."""

from collections.abc import Iterable

import numpy as np

from benchmarks.recommendations.run import item_id

ItemsOf = dict[int, list[int]]  # of each key the items, best first


def popular(items: np.ndarray) -> list[int]:
    """All items, the most frequent first; of equal ones the smaller number."""
    found, counts = np.unique(items, return_counts=True)
    return [int(item) for item in found[np.argsort(-counts, kind="stable")]]


def most_frequent(keys: np.ndarray, items: np.ndarray) -> ItemsOf:
    """Of each key its items, the most frequent first: of a customer the own ones, of an item those that followed it.

    Of equally frequent ones, the more popular first: the order of numbers may say something about the targets.
    """
    place = {item: rank for rank, item in enumerate(popular(items))}
    pairs, counts = np.unique(np.stack([keys, items]), axis=1, return_counts=True)
    places = np.array([place[item] for item in pairs[1].tolist()])
    order = np.lexsort((places, -counts, pairs[0]))
    ranked: ItemsOf = {}
    for key, item in pairs[:, order].T.tolist():
        ranked.setdefault(key, []).append(item)
    return ranked


def followers(sessions: np.ndarray, items: np.ndarray) -> ItemsOf:
    """Of each item those that came next in a session, the most frequent first; rows are in the order of time."""
    is_next = sessions[1:] == sessions[:-1]
    return most_frequent(items[:-1][is_next], items[1:][is_next])


def shown(own: Iterable[int], fill: Iterable[int], k: int, hidden: Iterable[int] = ()) -> list[str]:
    """The ids of the first `k` of the own items and then of those to fill up with, each once, without the hidden."""
    left_out = set(hidden)
    chosen: dict[int, None] = {}
    for items in (own, fill):
        for item in items:
            if len(chosen) == k:
                break
            if item not in left_out:
                chosen[item] = None
    return [item_id(item) for item in chosen]
