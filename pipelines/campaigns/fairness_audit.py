"""Fairness audit of the customers' table: risk, offers and calibration by region, channel, device and newness.

Stores rarely hold protected attributes; these groupings are proxies. A gap is a group whose rate is less than four
fifths of the overall rate or the other way round (US EEOC, Uniform Guidelines 1978), beyond chance. A gap is a
reason to look, not a verdict: customers of one region may really be leaving.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from contracts.bundle import BACKTEST_TABLE, Bundle
from contracts.errors import InputError
from pipelines.publishing.next_best_action import OFFER

MINIMUM_CELL: Final = 30
FOUR_FIFTHS: Final = 0.8
FALSE_ALARM_RATE: Final = 0.05  # the probability that any gap is reported where there are none
UNKNOWN: Final = "unknown"
OTHER: Final = "other"


@dataclass(frozen=True)
class Cell:
    """One group's numbers; None where it has fewer customers than the minimum, or no data."""

    group: str
    customers: int
    scored: int  # of them, with a churn risk
    risk: float | None  # mean
    offer_rate: float | None
    predicted: float | None  # mean churn risk in the backtest
    actual: float | None  # share who churned
    cases: int | None  # of the backtest


@dataclass(frozen=True)
class Gap:
    """A group that is treated or predicted differently from the rest."""

    grouping: str
    group: str
    measure: str
    rate: float
    against: float
    words: str


@dataclass(frozen=True)
class Audit:
    """The whole audit; `groupings` maps a grouping with data to its cells, the largest first."""

    overall: Cell
    groupings: Mapping[str, list[Cell]]
    gaps: list[Gap]
    notes: list[str]  # what could not be audited, and why


@dataclass(frozen=True)
class _Rate:
    """A mean of numbers in [0, 1], and the rate that it is compared with."""

    rate: float
    cases: int
    against: float


@dataclass(frozen=True)
class _Cases:
    """Customers with an order, or the cases of the backtest: labels per grouping, and the numbers to average."""

    labels: Mapping[str, pa.ChunkedArray]
    numbers: Mapping[str, np.ndarray]  # NaN where missing


def audit(customers: pa.Table, backtest: pa.Table | None, minimum_cell: int = MINIMUM_CELL) -> Audit:
    """The audit of a customers' table and of churn's backtest (customer_id, churn_risk, churn_outcome, orders).

    Cells of fewer than `minimum_cell` customers are merged into "other". New and returning customers of the backtest
    are told apart by its own column `orders`: the customers' table counts the orders that came after it.
    """
    if minimum_cell < 1:
        raise InputError(f"the minimum cell is {minimum_cell}; it must be at least 1.")
    if c.ORDERS in customers.column_names:
        customers = customers.filter(pc.greater(customers[c.ORDERS], 0))
    people = _Cases(_labels(customers), _numbers(customers))
    tested = None if backtest is None else _tested(backtest, customers)
    groupings = {name: _cells(name, people, tested, minimum_cell) for name in people.labels}
    cells = {name: found for name, found in groupings.items() if found}
    overall = _cell("all", people, tested, np.ones(customers.num_rows, bool), _all(tested), minimum_cell)
    return Audit(overall, cells, _gaps(overall, cells), _notes(customers, people, tested, groupings))


def read_backtest(bundle: Bundle) -> pa.Table | None:
    """The backtest of the churn risk, of whichever family made it; None where the bundle has none."""
    tables = (bundle.table(file) for file in bundle.manifest.files if file.endswith(f"/{BACKTEST_TABLE}"))
    return next((table for table in tables if c.CHURN_OUTCOME in table.column_names), None)


def wilson_interval(rate: float, cases: int, confidence: float) -> tuple[float, float]:
    """Confidence interval of a rate (Wilson, JASA 1927); conservative for means of numbers in [0, 1]."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    middle = (rate + z * z / (2 * cases)) / (1 + z * z / cases)
    half = z / (1 + z * z / cases) * float(np.sqrt(rate * (1 - rate) / cases + z * z / (4 * cases * cases)))
    return middle - half, middle + half


def _newness(table: pa.Table) -> pa.ChunkedArray:
    return pc.if_else(pc.greater(table[c.ORDERS], 1), "returning", "new")


def _column(name: str) -> Callable[[pa.Table], pa.ChunkedArray]:
    return lambda table: table[name].cast(pa.string()).fill_null(UNKNOWN)


# Grouping -> the column that it needs, and the group of each customer.
_GROUPINGS: Final[Mapping[str, tuple[str, Callable[[pa.Table], pa.ChunkedArray]]]] = {
    "region": (c.COUNTRY, _column(c.COUNTRY)),
    "channel": (c.CHANNEL, _column(c.CHANNEL)),
    "device": (c.DEVICE, _column(c.DEVICE)),
    "newness": (c.ORDERS, _newness),
}


def _labels(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    return {name: label(table) for name, (column, label) in _GROUPINGS.items() if column in table.column_names}


def _numbers(customers: pa.Table) -> dict[str, np.ndarray]:
    missing = np.full(customers.num_rows, np.nan)
    names = customers.column_names
    risk = customers[c.CHURN_RISK].to_numpy(zero_copy_only=False) if c.CHURN_RISK in names else missing
    offers = missing
    if c.SUGGESTED_ACTION in names:
        offers = pc.equal(customers[c.SUGGESTED_ACTION], OFFER).fill_null(False).to_numpy(zero_copy_only=False)
    return {"risk": risk.astype(float), "offer_rate": offers.astype(float)}


def _tested(backtest: pa.Table, customers: pa.Table) -> _Cases:
    """The backtest's cases; country, channel and device are those of today's table."""
    attributes = [name for name in (c.COUNTRY, c.CHANNEL, c.DEVICE) if name in customers.column_names]
    joined = backtest.join(customers.select([c.CUSTOMER_ID, *attributes]), keys=c.CUSTOMER_ID, join_type="inner")
    numbers = {"predicted": joined[c.CHURN_RISK], "actual": joined[c.CHURN_OUTCOME]}
    return _Cases(
        _labels(joined), {name: column.to_numpy(zero_copy_only=False).astype(float) for name, column in numbers.items()}
    )


def _cells(grouping: str, people: _Cases, tested: _Cases | None, minimum: int) -> list[Cell]:
    """The grouping's cells, the largest first; empty where all of them are too small to be shown."""
    merged = _merged(people.labels[grouping], minimum)
    names = list(dict.fromkeys(merged.values()))
    if merged and names == [OTHER]:
        return []
    groups = _groups(people.labels[grouping], merged)
    has_tests = tested is not None and grouping in tested.labels
    test_groups = _groups(tested.labels[grouping], merged) if tested is not None and has_tests else np.empty(0, object)
    return [
        _cell(name, people, tested if has_tests else None, groups == name, test_groups == name, minimum)
        for name in names
    ]


def _merged(labels: pa.ChunkedArray, minimum: int) -> dict[str, str]:
    """The shown group of each label, the largest first. "other" takes in more until it is large enough itself."""
    counts = {pair["values"]: pair["counts"] for pair in pc.value_counts(labels).to_pylist()}
    by_size = sorted(counts, key=lambda name: (-counts[name], name))
    small = [name for name in by_size if counts[name] < minimum]
    large = by_size[: len(by_size) - len(small)]
    while small and large and sum(counts[name] for name in small) < minimum:
        small.insert(0, large.pop())
    return {name: name for name in large} | dict.fromkeys(small, OTHER)


def _groups(labels: pa.ChunkedArray, merged: Mapping[str, str]) -> np.ndarray:
    """The shown group of each customer, (customers,) text; null for a label that no customer has today."""
    names = pa.array(list(merged), pa.string())
    shown = pa.array(list(merged.values()), pa.string())
    return np.asarray(shown.take(pc.index_in(labels.combine_chunks(), names)).to_numpy(zero_copy_only=False))


def _cell(
    group: str, people: _Cases, tested: _Cases | None, rows: np.ndarray, test_rows: np.ndarray, minimum: int
) -> Cell:
    cases = int(test_rows.sum()) if tested is not None else 0
    numbers = {} if tested is None else {name: _mean(of[test_rows], minimum) for name, of in tested.numbers.items()}
    return Cell(
        group=group,
        customers=int(rows.sum()),
        scored=int((~np.isnan(people.numbers["risk"][rows])).sum()),
        risk=_mean(people.numbers["risk"][rows], minimum),
        offer_rate=_mean(people.numbers["offer_rate"][rows], minimum),
        predicted=numbers.get("predicted"),
        actual=numbers.get("actual"),
        cases=cases if cases >= minimum else None,
    )


def _mean(numbers: np.ndarray, minimum: int) -> float | None:
    known = numbers[~np.isnan(numbers)]
    return float(known.mean()) if len(known) >= minimum else None


def _all(people: _Cases | None) -> np.ndarray:
    return np.ones(0 if people is None else len(people.numbers["actual"]), bool)


_TEXTS: Final = {
    "risk": "mean churn risk {rate:.1%} against {against:.1%} overall",
    "offer_rate": "{rate:.1%} would get an offer against {against:.1%} overall",
    "calibration": "{rate:.1%} churned where {against:.1%} were predicted to",
}


def _gaps(overall: Cell, groupings: Mapping[str, Sequence[Cell]]) -> list[Gap]:
    """Rates that differ beyond four fifths and beyond chance, corrected for the number of comparisons (Bonferroni)."""
    compared = [
        (grouping, cell.group, measure, rate)
        for grouping, cells in groupings.items()
        if len(cells) > 1
        for cell in cells
        for measure, rate in _rates(cell, overall).items()
    ]
    confidence = 1 - FALSE_ALARM_RATE / max(len(compared), 1)
    return [
        Gap(grouping, group, measure, rate.rate, rate.against, _sentence(grouping, group, measure, rate))
        for grouping, group, measure, rate in compared
        if _is_gap(rate, confidence)
    ]


def _rates(cell: Cell, overall: Cell) -> dict[str, _Rate]:
    """The rates of a cell, each with the rate that it is compared with."""
    rates = {
        "risk": (cell.risk, cell.scored, overall.risk),
        "offer_rate": (cell.offer_rate, cell.customers, overall.offer_rate),
        "calibration": (cell.actual, cell.cases, cell.predicted),
    }
    return {
        name: _Rate(rate, cases, against)
        for name, (rate, cases, against) in rates.items()
        if rate is not None and cases is not None and against is not None
    }


def _is_gap(rate: _Rate, confidence: float) -> bool:
    low, high = wilson_interval(rate.rate, rate.cases, confidence)
    least, most = sorted((rate.rate, rate.against))
    return least < FOUR_FIFTHS * most and not low <= rate.against <= high


def _sentence(grouping: str, group: str, measure: str, rate: _Rate) -> str:
    text = _TEXTS[measure].format(rate=rate.rate, against=rate.against)
    return f"{grouping} {group}: {text}; one is less than four fifths of the other, and chance does not explain it."


def _notes(
    customers: pa.Table, people: _Cases, tested: _Cases | None, groupings: Mapping[str, Sequence[Cell]]
) -> list[str]:
    notes = [
        f"By {name}: not audited, since the customers' table has no column {column}."
        for name, (column, _) in _GROUPINGS.items()
        if name not in people.labels
    ]
    notes += [
        f"By {name}: too few customers to show more than one group." for name, cells in groupings.items() if not cells
    ]
    notes += [
        f"The customers' table has no {name}."
        for name in (c.CHURN_RISK, c.SUGGESTED_ACTION)
        if name not in customers.column_names
    ]
    if tested is None:
        notes.append("Calibration: the bundle holds no backtest of churn. `shopkeeper retrain` makes one.")
    elif "newness" in people.labels and "newness" not in tested.labels:
        notes.append(f"Calibration by newness: the backtest does not say how many {c.ORDERS} a customer had then.")
    return notes
