"""Clusters of customers by what they do, few, and named by what sets each apart."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self
from zlib import crc32

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_limits


class Axis(NamedTuple):
    """One thing that customers do more or less of, on the scale on which it is compared, and words for both ends."""

    scale: Callable[[np.ndarray], np.ndarray]
    more: str
    less: str


# Recency is not among them: clusters say how somebody shops, the stage says whether they still do.
AXES: Final = {
    "order_days": Axis(np.log1p, "buys often", "buys seldom"),
    "average_order_value": Axis(np.log1p, "dear orders", "small baskets"),
    "items_per_order": Axis(np.log1p, "many items at once", "few items at once"),
    "refund_share": Axis(np.sqrt, "returns a lot", "returns little"),
    "views_90d": Axis(np.log1p, "browses a lot", "browses little"),
}
MIN_CLUSTERS: Final = 3
MAX_CLUSTERS: Final = 8
MIN_SHARE: Final = 0.02  # of the customers; a smaller cluster is no audience
FIT_ROWS: Final = 20_000  # more customers move no centre
SILHOUETTE_ROWS: Final = 2_000
BETTER: Final = 0.05  # of silhouette, by which more or other clusters must be better to be preferred
FARTHEST: Final = 3.0  # standard deviations; a few wholesale buyers must not be a cluster of their own
NOTABLE: Final = 0.35  # standard deviations from the average customer, from which on an axis is worth a word
AVERAGE: Final = "like the average customer"


@dataclass(frozen=True)
class CustomerClusters:
    """Centres on the axes' own scales, before they were standardised, so that they outlast a change of the spread."""

    mean: np.ndarray  # (axes,)
    spread: np.ndarray  # (axes,); infinite where all customers are alike, which takes the axis out
    centres: np.ndarray  # (clusters, axes)
    names: tuple[str, ...]  # unique
    silhouette: float

    @classmethod
    def fit(cls, values: np.ndarray, ids: list[str], previous: Self | None = None) -> Self:
        """`values` (customers, axes), `ids` of the customers, and the fit before, from whose centres this one starts.

        The same customers give the same clusters. The number of clusters is the smallest whose silhouette comes
        close to the best one's; while a number that was chosen before comes close, it stays.
        """
        assert values.shape == (len(ids), len(AXES))
        chosen = _sampled(ids)
        scaled = _scaled(values)[chosen]
        mean, spread = scaled.mean(axis=0), scaled.std(axis=0)
        spread = np.where(spread > 1e-9, spread, np.inf)
        rows = _standardised(scaled, mean, spread)
        options = _options(rows, None if previous is None else _standardised(previous.centres, mean, spread))
        if not options:
            return cls(mean, spread, mean[None, :], (AVERAGE,), 0.0)
        best = max(silhouette for _, silhouette in options)
        centres, silhouette = next(option for option in options if option[1] >= best - BETTER)
        kept = previous.names if previous is not None and len(previous.names) == len(centres) else None
        own_scale = centres * np.where(np.isfinite(spread), spread, 0.0) + mean
        return cls(mean, spread, own_scale, _names(centres, kept), silhouette)

    def predict(self, values: np.ndarray) -> np.ndarray:
        """The number of each customer's cluster, (customers,)."""
        centres = _standardised(self.centres, self.mean, self.spread)
        rows = _standardised(_scaled(values), self.mean, self.spread)
        distances = (centres * centres).sum(axis=1) - 2 * rows @ centres.T
        nearest: np.ndarray = distances.argmin(axis=1)
        return nearest

    def named(self, values: np.ndarray) -> np.ndarray:
        """The name of each customer's cluster, (customers,)."""
        names: np.ndarray = np.array(self.names)[self.predict(values)]
        return names

    def to_json(self) -> dict[str, Any]:
        return {
            "axes": list(AXES),
            "mean": self.mean.tolist(),
            "spread": [float(value) if np.isfinite(value) else None for value in self.spread],
            "centres": self.centres.tolist(),
            "names": list(self.names),
            "silhouette": self.silhouette,
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self | None:
        """What `to_json` wrote; None where it was on other axes, and is no start for a new fit."""
        if record["axes"] != list(AXES):
            return None
        spread = np.array([np.inf if value is None else value for value in record["spread"]])
        centres = np.array(record["centres"])
        return cls(np.array(record["mean"]), spread, centres, tuple(record["names"]), record["silhouette"])


Option = tuple[np.ndarray, float]  # standardised centres, silhouette


def _sampled(ids: list[str]) -> np.ndarray:
    """Up to about FIT_ROWS customers, chosen by hash: tomorrow the same ones."""
    if len(ids) <= FIT_ROWS:
        return np.arange(len(ids))
    bound = FIT_ROWS / len(ids) * 2**32
    return np.flatnonzero([crc32(customer_id.encode()) < bound for customer_id in ids])


def _scaled(values: np.ndarray) -> np.ndarray:
    known = np.maximum(np.nan_to_num(values, nan=0.0), 0.0)
    return np.column_stack([axis.scale(column) for axis, column in zip(AXES.values(), known.T, strict=True)])


def _standardised(scaled: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    clipped: np.ndarray = np.clip((scaled - mean) / spread, -FARTHEST, FARTHEST)
    return clipped


def _options(rows: np.ndarray, previous: np.ndarray | None) -> list[Option]:
    """Clusterings that are audiences, in the order in which they are preferred."""
    distinct = len(np.unique(rows, axis=0))
    starts = [] if previous is None or len(previous) > distinct else [previous]
    starts += [_start(rows, clusters) for clusters in range(MIN_CLUSTERS, min(MAX_CLUSTERS, distinct) + 1)]
    return [option for start in starts for option in _clustered(rows, start)]


def _start(rows: np.ndarray, clusters: int) -> np.ndarray:
    """Centres to begin with, without chance: each the customer farthest from those before, as of a coarse grid.

    Farthest-first alone picks outliers; on the grid of half deviations it picks the commonest of the far ones.
    """
    cells, counts = np.unique(np.round(rows * 2) / 2, axis=0, return_counts=True)
    start = [rows.mean(axis=0)]
    nearest = ((cells - start[0]) ** 2).sum(axis=1)
    for _ in range(clusters):
        start.append(cells[(nearest * counts).argmax()])
        nearest = np.minimum(nearest, ((cells - start[-1]) ** 2).sum(axis=1))
    return np.array(start[1:])


def _clustered(rows: np.ndarray, start: np.ndarray) -> list[Option]:
    """One clustering, or none where a cluster is too small."""
    with threadpool_limits(1), warnings.catch_warnings():
        # A centre may end without customers; it is refused below.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = KMeans(n_clusters=len(start), init=start, n_init=1, random_state=0).fit(rows)
    sizes = np.bincount(fitted.labels_, minlength=len(start))
    if sizes.min() < max(MIN_SHARE * len(rows), 1):
        return []
    step = -(-len(rows) // SILHOUETTE_ROWS)
    labels = fitted.labels_[::step]
    if not 1 < len(np.unique(labels)) < len(labels):
        return []
    with threadpool_limits(1):
        return [(fitted.cluster_centers_, float(silhouette_score(rows[::step], labels)))]


def _names(centres: np.ndarray, previous: tuple[str, ...] | None) -> tuple[str, ...]:
    """A unique name per cluster, (clusters, axes) -> (clusters,); a name of before stays while its words are true."""
    if previous is not None and all(_still_true(name, centre) for name, centre in zip(previous, centres, strict=True)):
        return previous
    words = [_words(centre) for centre in centres]
    # As few words as tell the clusters apart, two for a start.
    for count in range(2, len(AXES) + 1):
        names = [", ".join(each[:count]) or AVERAGE for each in words]
        if len(set(names)) == len(names):
            return tuple(names)
    return tuple(f"{name} ({names[:n].count(name) + 1})" if name in names[:n] else name for n, name in enumerate(names))


def _words(centre: np.ndarray) -> list[str]:
    """What sets the cluster apart from the average customer, the most striking first."""
    order = np.argsort(-np.abs(centre), kind="stable")
    axes = list(AXES.values())
    return [axes[n].more if centre[n] > 0 else axes[n].less for n in order if abs(centre[n]) >= NOTABLE]


def _still_true(name: str, centre: np.ndarray) -> bool:
    """Whether the centre lies on the side of every word, and is as plain as the name where that has none."""
    said = set(name.partition(" (")[0].split(", "))
    true = {axis.more if where > 0 else axis.less for axis, where in zip(AXES.values(), centre, strict=True)}
    return np.abs(centre).max() < 2 * NOTABLE if said == {AVERAGE} else said <= true
