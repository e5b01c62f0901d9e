"""Boosted trees as flat arrays: LightGBM trains them, this evaluates them, several times faster for one request.

A request has some hundred rows, for which the training library's start-up costs more than the work; and a service that
only answers need not load that library at all. The scores are those of the library, bit for bit: it adds up the same
leaves in the same order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from contracts.errors import BundleRefused
from recsys.compiled import compiled

_TREE: Final = "Tree="
_END: Final = "end of trees"
_OF_SPLITS: Final = ("split_feature", "threshold", "decision_type", "left_child", "right_child")
_PLAIN_SPLIT: Final = (0, 2)  # decision types of a numerical split without missing values, whatever the default side


@dataclass(frozen=True)
class Trees:
    """An ensemble over float32 features without NaN.

    Node n sends a row to children[n, 0] where features[split_features[n]] <= thresholds[n], else to children[n, 1]; a
    leaf sends every row to itself. So all rows go `depths[t]` (trees,) steps down from roots[t], without a branch that
    a processor would have to guess. `values` (nodes,) float64 are the leaves' scores.
    """

    features: tuple[str, ...]
    roots: np.ndarray
    depths: np.ndarray
    split_features: np.ndarray
    thresholds: np.ndarray
    children: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, text: str) -> Self:
        """From LightGBM's own text format; raises BundleRefused where it holds what is not understood here."""
        try:
            return cls._read(text)
        except (KeyError, ValueError, IndexError) as error:
            raise BundleRefused(f"the ranker's text is not a LightGBM model: {error!r}. Train again.") from None

    @classmethod
    def _read(cls, text: str) -> Self:
        body, end, _ = text.partition(_END)
        if not end:
            raise ValueError("it is cut off")
        head, *blocks = body.split(_TREE)
        names = tuple(_values(head)["feature_names"])
        trees = [_nodes(_values(block)) for block in blocks]
        starts = np.cumsum([0, *(len(tree.values) for tree in trees)])
        ensemble = cls(
            features=names,
            roots=starts[:-1].astype(np.int32),
            depths=np.array([tree.depth for tree in trees], np.int32),
            split_features=np.concatenate([tree.split_features for tree in trees]).astype(np.int32),
            thresholds=np.concatenate([tree.thresholds for tree in trees]).astype(np.float32),
            children=np.concatenate([tree.children + start for tree, start in zip(trees, starts, strict=False)]).astype(
                np.int32
            ),
            values=np.concatenate([tree.values for tree in trees]),
        )
        if not 0 <= int(ensemble.split_features.min()) <= int(ensemble.split_features.max()) < len(names):
            raise ValueError("a split by a feature that has no name")
        return ensemble

    def scores(self, features: np.ndarray) -> np.ndarray:
        """(rows,) float64 for (rows, features) float32."""
        assert features.shape[1] == len(self.features)
        assert features.dtype == np.float32
        arrays = (self.roots, self.depths, self.split_features, self.thresholds, self.children, self.values)
        return np.asarray(_scores(features, *arrays))


def _values(block: str) -> dict[str, list[str]]:
    lines = (line.partition("=") for line in block.splitlines())
    return {name: values.split() for name, _, values in lines}


def _check_splits(types: Sequence[str]) -> None:
    other = sorted({int(kind) for kind in types} - set(_PLAIN_SPLIT))
    if other:
        raise ValueError(f"splits of the types {other}; only numerical ones without missing values are understood")


@dataclass(frozen=True)
class _Tree:
    """One tree's nodes, splits first, then leaves."""

    depth: int
    split_features: np.ndarray
    thresholds: np.ndarray
    children: np.ndarray
    values: np.ndarray


def _nodes(values: dict[str, list[str]]) -> _Tree:
    leaves = np.array([float(value) for value in values["leaf_value"]])
    splits = len(leaves) - 1
    own = np.repeat(np.arange(splits, splits + len(leaves))[:, None], 2, axis=1)  # a leaf's children: itself
    if splits == 0:
        return _Tree(0, np.zeros(1), np.zeros(1), own, leaves)
    _check_splits(values["decision_type"])
    if any(len(values[name]) != splits for name in _OF_SPLITS):
        raise ValueError("a tree whose lists differ in length")
    places = np.array([[int(place) for place in values[side]] for side in ("left_child", "right_child")]).T
    children = np.concatenate([np.where(places >= 0, places, splits + ~places), own])
    if children.min() < 0 or children.max() >= len(children):
        raise ValueError("a child that is not in the tree")
    return _Tree(
        depth=_depth(children, splits),
        split_features=np.concatenate([[int(value) for value in values["split_feature"]], np.zeros(len(leaves))]),
        thresholds=np.concatenate([[_rounded_down(float(v)) for v in values["threshold"]], np.zeros(len(leaves))]),
        children=children,
        values=np.concatenate([np.zeros(splits), leaves]),
    )


def _depth(children: np.ndarray, splits: int) -> int:
    """Steps from the root to the deepest leaf."""
    depth, level = 0, np.zeros(1, np.int64)
    while (level < splits).any():
        depth, level = depth + 1, np.unique(children[level[level < splits]])
        if depth > splits:
            raise ValueError("a tree that runs in a circle")
    return depth


def _rounded_down(threshold: float) -> np.float32:
    """The largest float32 that is not above: for float32 features it decides as the exact threshold does."""
    with np.errstate(over="ignore"):  # what lies beyond float32 becomes infinite, which decides alike
        near = np.float32(threshold)
    # As float64: numpy would compare with the threshold made a float32, which is `near` itself.
    return near if float(near) <= threshold else np.nextafter(near, np.float32(-np.inf))


@compiled
def _scores(
    rows: np.ndarray,
    roots: np.ndarray,
    depths: np.ndarray,
    split_features: np.ndarray,
    thresholds: np.ndarray,
    children: np.ndarray,
    values: np.ndarray,
) -> np.ndarray:
    out = np.zeros(len(rows), np.float64)
    nodes = np.empty(len(rows), np.int32)
    for tree in range(len(roots)):
        nodes[:] = roots[tree]
        # Level by level over all rows: the loads of different rows do not wait for each other.
        for _ in range(depths[tree]):
            for row in range(len(rows)):
                node = nodes[row]
                nodes[row] = children[node, 1 if rows[row, split_features[node]] > thresholds[node] else 0]
        for row in range(len(rows)):
            out[row] += values[nodes[row]]
    return out
