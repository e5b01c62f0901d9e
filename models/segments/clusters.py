"""K-means segments of customers by behaviour: few, stable, and named by what distinguishes each."""

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

from contracts.errors import BundleRefused
from models.protocol import FitContext


class Axis(NamedTuple):
    """One feature, the scale on which it is compared, and names for both ends."""

    scale: Callable[[np.ndarray], np.ndarray]
    more: str
    less: str


# Without recency: clusters say how a customer shops, the lifecycle stage whether they still do.
AXES: Final = {
    "order_days": Axis(np.log1p, "buys often", "buys seldom"),
    "average_order_value": Axis(np.log1p, "dear orders", "small baskets"),
    "items_per_order": Axis(np.log1p, "many items at once", "few items at once"),
    "refund_share": Axis(np.sqrt, "returns a lot", "returns little"),
    "views_90d": Axis(np.log1p, "browses a lot", "browses little"),
}
FIT_ROWS: Final = 20_000  # more customers do not move the centres
SILHOUETTE_ROWS: Final = 2_000
MAX_DEVIATION: Final = 3.0  # standard deviations; clipping keeps a few wholesale buyers from forming a cluster
MIN_NAMED_DEVIATION: Final = 0.35  # standard deviations from the average customer, from which an axis is named
AVERAGE: Final = "like the average customer"


@dataclass(frozen=True)
class ClusterCases:
    """Customers to cluster, and the previous fit, whose centres are the first initialisation."""

    values: np.ndarray  # (customers, axes)
    ids: list[str]
    previous: "KMeansSegments | None" = None

    def __post_init__(self) -> None:
        assert self.values.shape == (len(self.ids), len(AXES))


@dataclass(frozen=True)
class ClusterParameters:
    """What clusterings are allowed, and which is preferred."""

    min_clusters: int = 3
    max_clusters: int = 8
    min_share: float = 0.02  # of the customers, in each cluster
    silhouette_tolerance: float = 0.05  # more or other clusters must be better by more than this


@dataclass(frozen=True)
class KMeansSegments:
    """Fitted clusters. Centres are on the axes' own scales, so that they stay valid where the spread changes."""

    mean: np.ndarray  # (axes,)
    spread: np.ndarray  # (axes,); infinite where all customers are alike, which removes the axis
    centres: np.ndarray  # (clusters, axes)
    names: tuple[str, ...]  # unique
    silhouette: float

    @classmethod
    def fit(cls, cases: ClusterCases, parameters: ClusterParameters, context: FitContext) -> Self:
        """Deterministic: the same customers give the same clusters; the context's seed is not used.

        The clustering taken is the previous one if its silhouette is within the tolerance of the best; else the one
        of fewest clusters that is.
        """
        previous = cases.previous
        scaled = _scaled(cases.values)[_sampled(cases.ids)]
        mean, spread = scaled.mean(axis=0), scaled.std(axis=0)
        spread = np.where(spread > 1e-9, spread, np.inf)
        rows = _standardised(scaled, mean, spread)
        start = None if previous is None else _standardised(previous.centres, mean, spread)
        options = _options(rows, start, parameters)
        if not options:
            return cls(mean, spread, mean[None, :], (AVERAGE,), 0.0)
        best = max(silhouette for _, silhouette in options)
        centres, silhouette = next(option for option in options if option[1] >= best - parameters.silhouette_tolerance)
        kept = previous.names if previous is not None and len(previous.names) == len(centres) else None
        own_scale = centres * np.where(np.isfinite(spread), spread, 0.0) + mean
        return cls(mean, spread, own_scale, _names(centres, kept), silhouette)

    def predict(self, values: np.ndarray, threads: int = 1) -> np.ndarray:
        """The number of each customer's cluster, (customers,); one thread is used."""
        centres = _standardised(self.centres, self.mean, self.spread)
        rows = _standardised(_scaled(values), self.mean, self.spread)
        distances = (centres * centres).sum(axis=1) - 2 * rows @ centres.T
        return np.asarray(distances.argmin(axis=1))

    def labels(self, values: np.ndarray) -> np.ndarray:
        """The name of each customer's cluster, (customers,)."""
        return np.asarray(np.array(self.names)[self.predict(values)])

    def to_json(self) -> dict[str, Any]:
        """All of it, as JSON."""
        return {
            "axes": list(AXES),
            "mean": self.mean.tolist(),
            "spread": [float(value) if np.isfinite(value) else None for value in self.spread],
            "centres": self.centres.tolist(),
            "names": list(self.names),
            "silhouette": self.silhouette,
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """Read what `to_json` wrote; raises BundleRefused where its axes are not those of this version."""
        if record["axes"] != list(AXES):
            raise BundleRefused("the clusters are of other axes than this version's. Run `shopkeeper train`.")
        spread = np.array([np.inf if value is None else value for value in record["spread"]])
        centres = np.array(record["centres"])
        return cls(np.array(record["mean"]), spread, centres, tuple(record["names"]), record["silhouette"])


Option = tuple[np.ndarray, float]  # standardised centres, silhouette


def _sampled(ids: list[str]) -> np.ndarray:
    """Up to about FIT_ROWS customers, sampled by hash, so that later fits sample the same ones."""
    if len(ids) <= FIT_ROWS:
        return np.arange(len(ids))
    bound = FIT_ROWS / len(ids) * 2**32
    return np.flatnonzero([crc32(customer_id.encode()) < bound for customer_id in ids])


def _scaled(values: np.ndarray) -> np.ndarray:
    known = np.maximum(np.nan_to_num(values, nan=0.0), 0.0)
    return np.column_stack([axis.scale(column) for axis, column in zip(AXES.values(), known.T, strict=True)])


def _standardised(scaled: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip((scaled - mean) / spread, -MAX_DEVIATION, MAX_DEVIATION))


def _options(rows: np.ndarray, previous: np.ndarray | None, parameters: ClusterParameters) -> list[Option]:
    """The allowed clusterings, in order of preference."""
    distinct = len(np.unique(rows, axis=0))
    starts = [] if previous is None or len(previous) > distinct else [previous]
    most = min(parameters.max_clusters, distinct)
    starts += [_start(rows, clusters) for clusters in range(parameters.min_clusters, most + 1)]
    return [option for start in starts for option in _clustered(rows, start, parameters.min_share)]


def _start(rows: np.ndarray, clusters: int) -> np.ndarray:
    """Deterministic initial centres: each is the farthest from those before, weighted by frequency on a coarse grid.

    Farthest-first alone selects outliers; on a grid of half deviations it selects frequent customers that are far.
    """
    cells, counts = np.unique(np.round(rows * 2) / 2, axis=0, return_counts=True)
    start = [rows.mean(axis=0)]
    nearest = ((cells - start[0]) ** 2).sum(axis=1)
    for _ in range(clusters):
        start.append(cells[(nearest * counts).argmax()])
        nearest = np.minimum(nearest, ((cells - start[-1]) ** 2).sum(axis=1))
    return np.array(start[1:])


def _clustered(rows: np.ndarray, start: np.ndarray, min_share: float) -> list[Option]:
    """One clustering, or none where a cluster is too small."""
    with threadpool_limits(1), warnings.catch_warnings():
        # A cluster may end up empty; it is rejected below.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = KMeans(n_clusters=len(start), init=start, n_init=1, random_state=0).fit(rows)
    sizes = np.bincount(fitted.labels_, minlength=len(start))
    if sizes.min() < max(min_share * len(rows), 1):
        return []
    step = -(-len(rows) // SILHOUETTE_ROWS)
    labels = fitted.labels_[::step]
    if not 1 < len(np.unique(labels)) < len(labels):
        return []
    with threadpool_limits(1):
        return [(fitted.cluster_centers_, float(silhouette_score(rows[::step], labels)))]


def _names(centres: np.ndarray, previous: tuple[str, ...] | None) -> tuple[str, ...]:
    """A unique name per cluster, (clusters, axes) -> (clusters,); previous names stay while they are true."""
    if previous is not None and all(_still_true(name, centre) for name, centre in zip(previous, centres, strict=True)):
        return previous
    words = [_words(centre) for centre in centres]
    # As few words as make the names unique, at least two.
    for count in range(2, len(AXES) + 1):
        names = [", ".join(each[:count]) or AVERAGE for each in words]
        if len(set(names)) == len(names):
            return tuple(names)
    return tuple(f"{name} ({names[:n].count(name) + 1})" if name in names[:n] else name for n, name in enumerate(names))


def _words(centre: np.ndarray) -> list[str]:
    """How the cluster differs from the average customer, the largest difference first."""
    order = np.argsort(-np.abs(centre), kind="stable")
    axes = list(AXES.values())
    return [axes[n].more if centre[n] > 0 else axes[n].less for n in order if abs(centre[n]) >= MIN_NAMED_DEVIATION]


def _still_true(name: str, centre: np.ndarray) -> bool:
    """Whether the centre lies on the side of every word of the name, or near the average where it has none."""
    words = set(name.partition(" (")[0].split(", "))
    true = {axis.more if value > 0 else axis.less for axis, value in zip(AXES.values(), centre, strict=True)}
    return np.abs(centre).max() < 2 * MIN_NAMED_DEVIATION if words == {AVERAGE} else words <= true
