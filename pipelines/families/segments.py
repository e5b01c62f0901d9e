"""The segments family: RFM segments, lifecycle stages and k-means clusters, against quintiles of recency.

Marketers treat customers of different segments differently, so segments must predict behaviour: the gate compares the
share of the next horizon's spending that the segments predict with that of the recency quintiles. Where they are not
clearly better, the names say what recency alone says, and there are no clusters. The segments' effects
are fitted at an earlier time than they are tested at, as finer segments always explain more of their own fit. Segments
must also be stable: the share of customers who change segment within a week only because a boundary moved is bounded.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import ibis
import numpy as np
import pyarrow as pa

from contracts import columns as c
from contracts.bundle import FAMILY_TABLE, Replay, read_table
from contracts.errors import BundleRefused, InputError, NotEnoughData
from models.customers.cadence import LAPSE_HORIZONS, CadenceParameters, PurchaseCadence
from models.customers.features import FEATURES
from models.protocol import FitContext
from models.segments.clusters import AXES, ClusterCases, ClusterParameters, KMeansSegments
from models.segments.lifecycle import PROSPECT, lifecycle_stages
from models.segments.rfm import MEASURES, RfmModel, rfm_segments, rfm_values
from models.segments.stability import explained_variance, outcome_by_segments, segment_stability
from models.statistics.paired_bootstrap import PairedCases
from models.statistics.resampled_metrics import resampled_r2
from pipelines.families.family import Backtest, Family, FittedFamily, Gate, PreviousFit, Rescored, TrainingData
from pipelines.families.snapshots import DAY, CustomerHistory, Snapshot

NAME: Final = "segments"
RFM_SEGMENT: Final = c.RFM_SEGMENT
STAGE: Final = c.STAGE
CLUSTER: Final = c.CLUSTER
SCORE_COLUMNS: Final = tuple(f"rfm_{measure}" for measure in MEASURES)
NAMED: Final = (RFM_SEGMENT, STAGE, CLUSTER)
SEGMENTS_FILE: Final = "segments.json"
MAX_BOUNDARY_SHARE: Final = 0.05
REPLAYS: Final = 3
MIN_BASELINE_CUSTOMERS: Final = 10


@dataclass(frozen=True)
class SegmentParameters(CadenceParameters):
    """Every parameter of the segments family; its horizon is the store's purchase cadence."""

    compared_days: int = 7  # between the two points in time whose segments are compared

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.compared_days < 1:
            raise InputError(f"compared_days is {self.compared_days}; at least 1 is needed.")


@dataclass(frozen=True)
class Segmentation:
    """The fitted RFM boundaries and clusters, which assign customers to segments.

    The baseline has no clusters, and names the segments as if all customers had the lowest scores but for recency.
    """

    horizon_days: int
    rfm: RfmModel
    clusters: KMeansSegments | None  # None: the baseline

    @classmethod
    def fit(cls, customers: Snapshot, horizon_days: int, previous: KMeansSegments | None = None) -> "Segmentation":
        """Fit boundaries and centres to these customers; `previous` clusters initialise the new ones."""
        cases = ClusterCases(_axes(customers), customers.customer_ids.to_pylist(), previous)
        clusters = KMeansSegments.fit(cases, ClusterParameters(), FitContext())
        return cls(horizon_days, RfmModel.fit(_rfm_values(customers)), clusters)

    @classmethod
    def fit_baseline(cls, customers: Snapshot, horizon_days: int) -> "Segmentation":
        """The baseline: the boundaries alone."""
        return cls(horizon_days, RfmModel.fit(_rfm_values(customers)), None)

    def segments(self, customers: Snapshot) -> dict[str, np.ndarray]:
        """Scores and segment names by column, (customers,) each."""
        scores = self.rfm.scores(_rfm_values(customers))
        recency, order_days = _number(customers, "recency_days"), _number(customers, "order_days")
        tenure, last_gap = _number(customers, "tenure_days"), _number(customers, "last_gap_days")
        lapse_days = LAPSE_HORIZONS * self.horizon_days
        stages = lifecycle_stages(recency, tenure, last_gap, self.horizon_days, lapse_days)
        named_by = (
            scores if self.clusters is not None else np.column_stack([scores[:, 0], np.ones((len(scores), 2), int)])
        )
        return {
            RFM_SEGMENT: rfm_segments(named_by, order_days, stages),
            **{name: scores[:, number] for number, name in enumerate(SCORE_COLUMNS)},
            STAGE: stages,
            CLUSTER: np.full(len(scores), None) if self.clusters is None else self.clusters.labels(_axes(customers)),
        }

    def to_json(self) -> dict[str, Any]:
        """The segmentation as JSON."""
        clusters = None if self.clusters is None else self.clusters.to_json()
        return {"horizon_days": self.horizon_days, "rfm": self.rfm.to_json(), "clusters": clusters}

    @property
    def cluster_metrics(self) -> dict[str, float | None]:
        """How many clusters there are, and how well they are separated."""
        if self.clusters is None:
            return {}
        return {"clusters": float(len(self.clusters.names)), "silhouette": self.clusters.silhouette}

    @classmethod
    def read(cls, folder: Path) -> "Segmentation":
        """Read the family's file in a bundle; raises BundleRefused if its features are not this version's."""
        record = json.loads((folder / SEGMENTS_FILE).read_text(encoding="utf-8"))
        clusters = None if record["clusters"] is None else KMeansSegments.from_json(record["clusters"])
        return cls(record["horizon_days"], RfmModel.from_json(record["rfm"]), clusters)


def backtest(data: TrainingData) -> Backtest:
    """Segment the customers of one horizon ago, and test how well the segments predict their spending since."""
    history = data.history
    cadence = history.cadence_before_test(data.parameters, NAME)
    horizon = cadence.horizon_days * DAY
    cut = data.as_of - horizon
    data.progress("segments: earlier")
    earlier = _enough(history.snapshot(cut - horizon), data.parameters)
    first = Segmentation.fit(earlier, cadence.horizon_days)
    data.progress("segments: test")
    test = _enough(history.snapshot(cut), data.parameters)
    second = Segmentation.fit(test, cadence.horizon_days, first.clusters)
    typical = max(float(np.median(_number(earlier, "average_order_value"))), 0.01)
    spent = [
        np.log1p(history.outcomes(customers.customer_ids, start, end)[1] / typical)
        for customers, start, end in ((earlier, cut - horizon, cut), (test, cut, data.as_of))
    ]
    before, after = first.segments(earlier), second.segments(test)

    def predicted(*names: str) -> np.ndarray:
        groupings = [[segments[name] for name in names] for segments in (before, after)]
        return outcome_by_segments((groupings[0], spent[0]), groupings[1])

    ours, baseline = predicted(*NAMED), predicted(SCORE_COLUMNS[0])

    data.progress("segments: changes")
    changes = _recent_stability(data, history, cadence, first.clusters)
    return Backtest(
        window_start=cut,
        window_end=data.as_of,
        cases=len(spent[1]),
        metrics={
            "spend_explained": explained_variance(ours, spent[1]),
            **{f"spend_explained_by_{name}": explained_variance(predicted(name), spent[1]) for name in NAMED},
            "boundary_share": max(changes[name]["boundary_moved_share"] for name in NAMED),
            **{f"{name}_changed_share": changes[name]["changed_share"] for name in NAMED},
            **second.cluster_metrics,
        },
        baseline_metrics={"spend_explained": explained_variance(baseline, spent[1])},
        paired=PairedCases.of_own_units(ours, baseline, partial(resampled_r2, spent[1])),
        baseline_name="recency alone",
        details={"horizon_days": cadence.horizon_days, "changes": changes, "sizes": _sizes(after)},
    )


def fit(data: TrainingData) -> FittedFamily:
    """Segment all customers and prospects who allow personalization, starting from the published segmentation."""
    customers, cadence = _customers_now(data)
    published = _published(data)
    data.progress("segments: fit")
    fitted = Segmentation.fit(customers, cadence.horizon_days, published[1].clusters if published else None)
    changes = {}
    if published is not None and published[1].clusters is not None:
        before, old = published
        segments = fitted.segments(customers)
        changes["changes"] = _stability(
            read_table(before.folder / FAMILY_TABLE), before.as_of, old, customers, segments
        )
    return _family_of(fitted, customers, data, changes)


def fit_baseline(data: TrainingData) -> FittedFamily:
    """The same by recency alone, without clusters."""
    of_few = replace(data.parameters, min_customers=min(data.parameters.min_customers, MIN_BASELINE_CUSTOMERS))
    customers, cadence = _customers_now(replace(data, parameters=of_few))
    return _family_of(Segmentation.fit_baseline(customers, cadence.horizon_days), customers, data, {})


def _customers_now(data: TrainingData) -> tuple[Snapshot, PurchaseCadence]:
    cadence = data.history.cadence(data.parameters, NAME)
    return _enough(data.history.snapshot(data.as_of), data.parameters), cadence


def _family_of(fitted: Segmentation, customers: Snapshot, data: TrainingData, facts: dict[str, Any]) -> FittedFamily:
    segments = fitted.segments(customers)
    record = fitted.to_json() | {"sizes": _sizes(segments)} | facts
    table = _table(customers, segments)

    def write_files(folder: Path) -> None:
        (folder / SEGMENTS_FILE).write_text(json.dumps(record, indent=2), encoding="utf-8")

    return FittedFamily(write_files, _with_prospects(table, data), _described(fitted), _replays(table))


def rescore(data: TrainingData, folder: Path) -> Rescored:
    """Segment all customers as of now by the boundaries and centres of a stored segmentation."""
    customers = data.history.snapshot(data.as_of)
    table = _table(customers, Segmentation.read(folder).segments(customers))
    return Rescored(_with_prospects(table, data), _replays(table))


def _table(customers: Snapshot, segments: dict[str, np.ndarray]) -> pa.Table:
    columns = {name: pa.array(v, pa.string()) if name in NAMED else pa.array(v) for name, v in segments.items()}
    return pa.table({c.CUSTOMER_ID: customers.customer_ids, **columns})


def _with_prospects(table: pa.Table, data: TrainingData) -> pa.Table:
    """The table with a row for each prospect, sorted by id."""
    prospects = pa.table(
        {c.CUSTOMER_ID: _prospects(data.events_at(data.as_of), data.as_of, table[c.CUSTOMER_ID].combine_chunks())}
    )
    prospects = prospects.append_column(STAGE, pa.array([PROSPECT] * len(prospects), pa.string()))
    return pa.concat_tables([table, prospects], promote_options="default").sort_by(c.CUSTOMER_ID)


def _enough(customers: Snapshot, parameters: SegmentParameters) -> Snapshot:
    if len(customers.features) < parameters.min_customers:
        raise NotEnoughData(
            f"segments need {parameters.min_customers} customers with an order at each point in time; on "
            f"{customers.at:%Y-%m-%d} there were {len(customers.features)}."
        )
    return customers


def _number(customers: Snapshot, name: str) -> np.ndarray:
    return np.asarray(customers.features[:, list(FEATURES).index(name)])


def _rfm_values(customers: Snapshot) -> np.ndarray:
    recency, order_days, revenue = (_number(customers, name) for name in ("recency_days", "order_days", "revenue"))
    return rfm_values(recency, order_days, revenue)


def _axes(customers: Snapshot) -> np.ndarray:
    return np.column_stack([_number(customers, name) for name in AXES])


def _prospects(events: ibis.Table, as_of: datetime, customer_ids: pa.Array) -> pa.Array:
    """Known people who allow personalization, other than the customers with an order."""
    is_ours = events[c.IS_KNOWN] & events[c.ALLOWS_PERSONALIZATION] & (events[c.OCCURRED_AT] < ibis.literal(as_of))
    known = events.filter(is_ours).select(c.CUSTOMER_ID).distinct().to_pyarrow()[c.CUSTOMER_ID].combine_chunks()
    return known.filter(pa.compute.invert(pa.compute.is_in(known, customer_ids)))


def _recent_stability(
    data: TrainingData, history: CustomerHistory, cadence: PurchaseCadence, start: KMeansSegments | None
) -> dict[str, Any]:
    """The changes between two runs, `compared_days` apart; the later one starts from the earlier."""
    before_at = data.as_of - data.parameters.compared_days * DAY
    earlier_cadence = history.cadence(data.parameters, NAME, before_at)
    before, now = history.snapshot(before_at), history.snapshot(data.as_of)
    old = Segmentation.fit(before, earlier_cadence.horizon_days, start)
    new = Segmentation.fit(now, cadence.horizon_days, old.clusters)
    names_before = pa.table({c.CUSTOMER_ID: before.customer_ids, **old.segments(before)})
    return _stability(names_before, before_at, old, now, new.segments(now))


def _stability(
    before: pa.Table, before_at: datetime, old: Segmentation, now: Snapshot, segments: dict[str, np.ndarray]
) -> dict[str, Any]:
    """`segment_stability` of each kind of segment, over the customers of both times."""
    row = pa.compute.index_in(now.customer_ids, before[c.CUSTOMER_ID].combine_chunks())
    in_both = row.is_valid().to_numpy(zero_copy_only=False)
    both, rows = now.subset(in_both), row.drop_null()
    has_ordered = _number(both, "recency_days") <= (now.at - before_at) / DAY
    with_old = old.segments(both)
    changes: dict[str, Any] = {"from": before_at.isoformat(), "to": now.at.isoformat(), "customers": len(rows)}
    for name in NAMED:
        earlier = before[name].take(rows).to_numpy(zero_copy_only=False).astype(str)
        changes[name] = segment_stability(earlier, segments[name][in_both], with_old[name], has_ordered)
    return changes


def _published(data: TrainingData) -> tuple[PreviousFit, Segmentation] | None:
    """The published segmentation; None if it has other features, or has seen events after `as_of`."""
    if data.previous is None or data.previous.as_of > data.as_of:
        return None
    try:
        return data.previous, Segmentation.read(data.previous.folder)
    except BundleRefused:
        return None


def _sizes(segments: dict[str, np.ndarray]) -> dict[str, dict[str, int]]:
    counted = {name: np.unique(segments[name], return_counts=True) for name in NAMED if segments[name][0] is not None}
    return {name: dict(zip(names.tolist(), sizes.tolist(), strict=True)) for name, (names, sizes) in counted.items()}


def _described(fitted: Segmentation) -> dict[str, str]:
    horizon_days, lapse_days = fitted.horizon_days, LAPSE_HORIZONS * fitted.horizon_days
    by, clusters = "how recently they bought", "Empty: here, groups predict no more than recency does."
    if fitted.clusters is not None:
        by = "how recently, how often and for how much they bought"
        groups = "; ".join(fitted.clusters.names)
        clusters = f"How they shop, by what sets the group apart from your average customer: {groups}."
    fifth = "1 to 5: in which fifth of your customers; customers who are alike share a score."
    return {
        RFM_SEGMENT: f"By {by}: champions, loyal and potential loyalists buy, new customers and promising ones ordered "
        "on one day so far, needs attention and about to sleep are growing quiet, at risk and can't lose them were "
        "good customers and stay away, hibernating and lost have been gone for long. Nobody who ordered within "
        f"{horizon_days} days is called lost, nobody who did not for {lapse_days} days a champion.",
        SCORE_COLUMNS[0]: f"How recently they ordered, {fifth} 5: the most recent.",
        SCORE_COLUMNS[1]: f"On how many days they ordered, {fifth} 5: the most.",
        SCORE_COLUMNS[2]: f"How much they spent in all, {fifth} 5: the most.",
        STAGE: f"prospect: no order yet; new: first order within {horizon_days} days; active: an order within "
        f"{horizon_days} days; cooling: none for longer; lapsed: none for {lapse_days} days; won_back: came back after "
        "that, until the next order.",
        CLUSTER: clusters,
    }


def _replays(table: pa.Table) -> list[Replay]:
    """Requests for the first, middle and last customer, which are replayed before the bundle is served."""
    rows = sorted({0, table.num_rows // 2, table.num_rows - 1})[:REPLAYS]
    return [
        Replay(route="customer", request={c.CUSTOMER_ID: row.pop(c.CUSTOMER_ID)}, expected=row)
        for row in table.take(rows).to_pylist()
    ]


SEGMENTS: Final = Family(
    name=NAME,
    kind="customers",
    baseline="fifths by recency alone, as predictor of spending in the next horizon",
    gate=Gate(
        "spend_explained",
        higher_is_better=True,
        label="share of later spending explained",
        unit="customers",
        at_most={"boundary_share": MAX_BOUNDARY_SHARE},
    ),
    parameters=SegmentParameters,
    backtest=backtest,
    fit=fit,
    fit_baseline=fit_baseline,
    rescore=rescore,
)
