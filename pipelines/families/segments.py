"""The segments family: RFM with plain names, the stage of life, and clusters by behaviour, against recency alone.

What can a segmentation beat? Its use is that a marketer treats customers of different segments differently, so they
must go on to behave differently: the gate asks how much of what customers spend in the next horizon their segment
foretells, and the baseline is fifths by recency, which any shop can make in a spreadsheet. Segment means are learned at
an earlier point in time than they are judged at, as finer segments always explain more of what they were made from.
And a list that a marketer trusts must not reshuffle itself: the share of customers who change segment within a week
because a boundary moved, not because of anything they did, has a bound.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import ibis
import numpy as np
import pyarrow as pa

from contracts import columns as c
from contracts.bundle import FAMILY_TABLE, Replay, read_table
from contracts.errors import NotEnoughData
from models.customers.cadence import LAPSE_HORIZONS, CadenceParameters, PurchaseCadence
from models.customers.features import FEATURES
from models.segments.clusters import AXES, CustomerClusters
from models.segments.lifecycle import PROSPECT, lifecycle_stages
from models.segments.rfm import MEASURES, RfmModel, rfm_segments, rfm_values
from models.segments.stability import explained_variance, segment_changes
from pipelines.families.family import Backtest, Family, FittedFamily, Gate, PreviousFit, TrainingData
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


@dataclass(frozen=True)
class SegmentParameters(CadenceParameters):
    """Every parameter of the segments family; its horizon is the store's purchase cadence."""

    compared_days: int = 7  # between the two points in time whose segments are compared

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.compared_days < 1:
            raise ValueError(f"compared_days is {self.compared_days}; at least 1 is needed.")


@dataclass(frozen=True)
class Segmentation:
    """Everything that turns a customer's numbers into segments."""

    horizon_days: int
    rfm: RfmModel
    clusters: CustomerClusters

    @classmethod
    def fit(cls, customers: Snapshot, horizon_days: int, previous: CustomerClusters | None = None) -> "Segmentation":
        """Boundaries and centres for these customers; the clusters start where those of before stood."""
        clusters = CustomerClusters.fit(_axes(customers), customers.customer_ids.to_pylist(), previous)
        return cls(horizon_days, RfmModel.fit(_rfm_values(customers)), clusters)

    def segments(self, customers: Snapshot) -> dict[str, np.ndarray]:
        """Scores and names, by column, (customers,) each."""
        scores = self.rfm.scores(_rfm_values(customers))
        recency, order_days = _number(customers, "recency_days"), _number(customers, "order_days")
        tenure, last_gap = _number(customers, "tenure_days"), _number(customers, "last_gap_days")
        lapse_days = LAPSE_HORIZONS * self.horizon_days
        stages = lifecycle_stages(recency, tenure, last_gap, self.horizon_days, lapse_days)
        return {
            RFM_SEGMENT: rfm_segments(scores, order_days, stages),
            **{name: scores[:, number] for number, name in enumerate(SCORE_COLUMNS)},
            STAGE: stages,
            CLUSTER: self.clusters.named(_axes(customers)),
        }

    def to_json(self) -> dict[str, Any]:
        return {"horizon_days": self.horizon_days, "rfm": self.rfm.to_json(), "clusters": self.clusters.to_json()}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "Segmentation | None":
        """What `to_json` wrote, or None where it was made of other numbers."""
        clusters = CustomerClusters.from_json(record["clusters"])
        return None if clusters is None else cls(record["horizon_days"], RfmModel.from_json(record["rfm"]), clusters)


def backtest(data: TrainingData) -> Backtest:
    """Segment the customers of one horizon ago, and see what the segments say of what they spent since."""
    history, cadence = data.history, data.history.cadence(data.parameters, NAME)
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
    was, now = first.segments(earlier), second.segments(test)

    def explained(*names: str) -> float | None:
        groupings = [[segments[name] for name in names] for segments in (was, now)]
        return explained_variance((groupings[0], spent[0]), (groupings[1], spent[1]))

    data.progress("segments: changes")
    changes = _changes_of_late(data, history, cadence, first.clusters)
    return Backtest(
        window_start=cut,
        window_end=data.as_of,
        cases=len(spent[1]),
        metrics={
            "spend_explained": explained(*NAMED),
            **{f"spend_explained_by_{name}": explained(name) for name in NAMED},
            "boundary_share": max(changes[name]["boundary_moved_share"] for name in NAMED),
            **{f"{name}_changed_share": changes[name]["changed_share"] for name in NAMED},
            "clusters": float(len(second.clusters.names)),
            "silhouette": second.clusters.silhouette,
        },
        baseline_metrics={"spend_explained": explained(SCORE_COLUMNS[0])},
        details={"horizon_days": cadence.horizon_days, "changes": changes, "sizes": _sizes(now)},
    )


def fit(data: TrainingData) -> FittedFamily:
    """Segment everybody who allows personalization, prospects too, starting from what was published before."""
    history, cadence = data.history, data.history.cadence(data.parameters, NAME)
    customers = _enough(history.snapshot(data.as_of), data.parameters)
    published = _published(data)
    data.progress("segments: fit")
    fitted = Segmentation.fit(customers, cadence.horizon_days, published[1].clusters if published else None)
    segments = fitted.segments(customers)
    record = fitted.to_json() | {"sizes": _sizes(segments)}
    if published is not None:
        before, old = published
        record["changes"] = _changes(read_table(before.folder / FAMILY_TABLE), before.as_of, old, customers, segments)
    table = pa.table({c.CUSTOMER_ID: customers.customer_ids, **{name: pa.array(v) for name, v in segments.items()}})
    prospects = pa.table({c.CUSTOMER_ID: _prospects(data.events, data.as_of, customers)})
    prospects = prospects.append_column(STAGE, pa.array([PROSPECT] * len(prospects), pa.string()))

    def write_files(folder: Path) -> None:
        (folder / SEGMENTS_FILE).write_text(json.dumps(record, indent=2))

    everyone = pa.concat_tables([table, prospects], promote_options="default").sort_by(c.CUSTOMER_ID)
    return FittedFamily(write_files, everyone, _described(cadence.horizon_days, fitted.clusters.names), _replays(table))


def _enough(customers: Snapshot, parameters: SegmentParameters) -> Snapshot:
    if len(customers.features) < parameters.min_customers:
        raise NotEnoughData(
            f"segments need {parameters.min_customers} customers with an order at each point in time; on "
            f"{customers.at:%Y-%m-%d} there were {len(customers.features)}."
        )
    return customers


def _number(customers: Snapshot, name: str) -> np.ndarray:
    column: np.ndarray = customers.features[:, list(FEATURES).index(name)]
    return column


def _rfm_values(customers: Snapshot) -> np.ndarray:
    recency, order_days, revenue = (_number(customers, name) for name in ("recency_days", "order_days", "revenue"))
    return rfm_values(recency, order_days, revenue)


def _axes(customers: Snapshot) -> np.ndarray:
    return np.column_stack([_number(customers, name) for name in AXES])


def _prospects(events: ibis.Table, as_of: datetime, customers: Snapshot) -> pa.Array:
    """Known customers who allow personalization and have no order that still stands."""
    is_ours = events[c.IS_KNOWN] & events[c.ALLOWS_PERSONALIZATION] & (events[c.OCCURRED_AT] < ibis.literal(as_of))
    known = events.filter(is_ours).select(c.CUSTOMER_ID).distinct().to_pyarrow()[c.CUSTOMER_ID].combine_chunks()
    return known.filter(pa.compute.invert(pa.compute.is_in(known, customers.customer_ids)))


def _changes_of_late(
    data: TrainingData, history: CustomerHistory, cadence: PurchaseCadence, start: CustomerClusters
) -> dict[str, Any]:
    """What two runs, some days apart, would have changed, the later one starting from the earlier."""
    before_at = data.as_of - data.parameters.compared_days * DAY
    earlier_cadence = history.cadence(data.parameters, NAME, before_at)
    before, now = history.snapshot(before_at), history.snapshot(data.as_of)
    old = Segmentation.fit(before, earlier_cadence.horizon_days, start)
    new = Segmentation.fit(now, cadence.horizon_days, old.clusters)
    names_before = pa.table({c.CUSTOMER_ID: before.customer_ids, **old.segments(before)})
    return _changes(names_before, before_at, old, now, new.segments(now))


def _changes(
    before: pa.Table, before_at: datetime, old: Segmentation, now: Snapshot, segments: dict[str, np.ndarray]
) -> dict[str, Any]:
    """For each kind of segment: how many of those who are in both changed, and why; see `segment_changes`."""
    place = pa.compute.index_in(now.customer_ids, before[c.CUSTOMER_ID].combine_chunks())
    in_both = place.is_valid().to_numpy(zero_copy_only=False)
    both, rows = now.subset(in_both), place.drop_null()
    has_ordered = _number(both, "recency_days") <= (now.at - before_at) / DAY
    under_old = old.segments(both)
    changes: dict[str, Any] = {"from": before_at.isoformat(), "to": now.at.isoformat(), "customers": len(rows)}
    for name in NAMED:
        earlier = before[name].take(rows).to_numpy(zero_copy_only=False).astype(str)
        changes[name] = segment_changes(earlier, segments[name][in_both], under_old[name], has_ordered)
    return changes


def _published(data: TrainingData) -> tuple[PreviousFit, Segmentation] | None:
    """The segmentation that is published, if it can be started from; one that knew the future cannot."""
    if data.previous is None or data.previous.as_of > data.as_of:
        return None
    segmentation = Segmentation.from_json(json.loads((data.previous.folder / SEGMENTS_FILE).read_text()))
    return None if segmentation is None else (data.previous, segmentation)


def _sizes(segments: dict[str, np.ndarray]) -> dict[str, dict[str, int]]:
    counted = {name: np.unique(segments[name], return_counts=True) for name in NAMED}
    return {name: dict(zip(names.tolist(), sizes.tolist(), strict=True)) for name, (names, sizes) in counted.items()}


def _described(horizon_days: int, clusters: tuple[str, ...]) -> dict[str, str]:
    lapse_days = LAPSE_HORIZONS * horizon_days
    fifth = "1 to 5: in which fifth of your customers; customers who are alike share a score."
    return {
        RFM_SEGMENT: "By how recently, how often and for how much they bought: champions, loyal and potential "
        "loyalists buy, new customers and promising ones ordered on one day so far, needs attention and about to sleep "
        "are growing quiet, at risk and can't lose them were good customers and stay away, hibernating and lost have "
        f"been gone for long. Nobody who ordered within {horizon_days} days is called lost, nobody who did not for "
        f"{lapse_days} days a champion.",
        SCORE_COLUMNS[0]: f"How recently they ordered, {fifth} 5: the most recent.",
        SCORE_COLUMNS[1]: f"On how many days they ordered, {fifth} 5: the most.",
        SCORE_COLUMNS[2]: f"How much they spent in all, {fifth} 5: the most.",
        STAGE: f"prospect: no order yet; new: first order within {horizon_days} days; active: an order within "
        f"{horizon_days} days; cooling: none for longer; lapsed: none for {lapse_days} days; won_back: came back after "
        "that, until the next order.",
        CLUSTER: f"How they shop, by what sets the group apart from your average customer: {'; '.join(clusters)}.",
    }


def _replays(table: pa.Table) -> list[Replay]:
    """The first, middle and last customer, asked again before the bundle is served."""
    rows = sorted({0, table.num_rows // 2, table.num_rows - 1})[:REPLAYS]
    return [
        Replay(route="customer", request={c.CUSTOMER_ID: row.pop(c.CUSTOMER_ID)}, expected=row)
        for row in table.take(rows).to_pylist()
    ]


SEGMENTS: Final = Family(
    name=NAME,
    kind="customers",
    baseline="fifths by recency alone: what the fifth of a customer tells of their spending in the next horizon",
    gate=Gate(metric="spend_explained", higher_is_better=True, at_most={"boundary_share": MAX_BOUNDARY_SHARE}),
    parameters=SegmentParameters,
    backtest=backtest,
    fit=fit,
)
