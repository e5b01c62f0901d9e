"""From rows, one per series and date, to a panel: every repair is stated, and what cannot be repaired is refused.

Rows after a series' last units (units empty) tell the future: they hold known-future covariates only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa

from contracts.errors import InputError
from models.demand.frequency import Frequency
from models.demand.panel import Panel

SERIES: Final = "series_id"
DATE: Final = "date"
UNITS: Final = "units"
MAX_GROUP_SHARE: Final = 0.5  # a text attribute with more values than this share of the series groups nothing
MISSING: Final = -1

Rows: TypeAlias = pd.DataFrame | pa.Table | Mapping[str, np.ndarray]


@dataclass(frozen=True)
class PanelRead:
    """A panel, the ids of its series in order, the names behind its codes by column, and what was repaired."""

    panel: Panel
    series_ids: np.ndarray
    categories: Mapping[str, tuple[str, ...]]
    repairs: tuple[str, ...]


def read_panel(
    rows: Rows, frequency: Frequency, known_future: Sequence[str] = (), attributes: Rows | None = None
) -> PanelRead:
    """The panel of `rows` with columns series_id, date, units and each of `known_future`.

    `attributes` has one row per series_id. Its text columns become codes, and groups as well where their values repeat.
    Repaired and stated: identical duplicates, gaps, empty and negative units, series with one point only. Raises
    InputError for what has no sound repair: contradicting duplicates, dates or units that cannot be read, absent
    columns. Whether covariates reach the horizon is checked where one is asked for (`Panel.check_ahead`).
    """
    repairs: list[str] = []
    table = _typed(_frame(rows), frequency, known_future)
    table = _without_duplicates(table, frequency, repairs)
    series_ids, series = np.unique(table[SERIES].to_numpy(), return_inverse=True)
    first, period, periods, width = _extent(table, frequency)
    units, is_observed = _units(table, series, period, (len(series_ids), periods), frequency, repairs)
    categories: dict[str, tuple[str, ...]] = {}
    future = {}
    for name in known_future:
        values = np.full((len(series_ids), width), np.nan, dtype=np.float32)
        values[series, period], names = _numbers(table[name])
        future[name] = values
        categories |= {name: names} if names else {}
    numbers, groups = _attributes(attributes, series_ids, categories)
    panel = Panel(units, is_observed, first, frequency, future, numbers, groups)
    return PanelRead(panel, series_ids, categories, tuple(repairs))


def _frame(rows: Rows) -> pd.DataFrame:
    if isinstance(rows, pd.DataFrame):
        return rows
    return rows.to_pandas() if isinstance(rows, pa.Table) else pd.DataFrame(dict(rows))


def _typed(frame: pd.DataFrame, frequency: Frequency, known_future: Sequence[str]) -> pd.DataFrame:
    """The needed columns, with ids as text or numbers, dates as the first day of their period, units as floats."""
    wanted = [SERIES, DATE, UNITS, *known_future]
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        raise InputError(f"the series have no column {', '.join(missing)}; they have {', '.join(map(str, frame))}.")
    if not len(frame):
        raise InputError("the series have no rows; give one row per series and date.")
    table = frame[wanted].reset_index(drop=True)
    ids = table[SERIES]
    table[SERIES] = ids if pd.api.types.is_integer_dtype(ids) else ids.astype(str)
    for name, read in ((DATE, pd.to_datetime), (UNITS, pd.to_numeric)):
        try:
            table[name] = read(table[name])
        except (ValueError, TypeError) as error:
            raise InputError(f"column {name!r} cannot be read: {error}. Correct it.") from error
    if table[DATE].isna().any():
        raise InputError(f"{int(table[DATE].isna().sum())} rows have no date; give each row one, or leave it out.")
    units = table[UNITS].to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(units).any():
        raise InputError(f"{int(np.isinf(units).sum())} rows have endless units; give finite numbers.")
    table[UNITS] = units
    return table


def _without_duplicates(table: pd.DataFrame, frequency: Frequency, repairs: list[str]) -> pd.DataFrame:
    """Identical rows once. Two rows of one series and period that differ contradict each other."""
    dates = table[DATE].to_numpy().astype("datetime64[D]")
    first = dates.min()
    keys = table.assign(**{DATE: frequency.period(first, dates)})
    is_repeated = keys.duplicated([SERIES, DATE])
    if not is_repeated.any():
        return table
    contradicts = is_repeated & ~keys.duplicated()
    if contradicts.any():
        row = table[contradicts].iloc[0]
        raise InputError(
            f"{int(contradicts.sum())} rows repeat a series and {frequency.name} with other values, the first series "
            f"{row[SERIES]!r} on {row[DATE]:%Y-%m-%d}. Give one row per series and {frequency.name}: add up the units, "
            "or drop the rows that are wrong."
        )
    repairs.append(f"{int(is_repeated.sum())} identical duplicate rows were dropped.")
    return table[~is_repeated].reset_index(drop=True)


def _extent(table: pd.DataFrame, frequency: Frequency) -> tuple[np.datetime64, np.ndarray, int, int]:
    """The first date, each row's period, the periods with units, and those with covariates as well."""
    dates = table[DATE].to_numpy().astype("datetime64[D]")
    has_units = table[UNITS].notna().to_numpy()
    if not has_units.any():
        raise InputError("no row has units; give what was sold.")
    first = dates.min()
    period = frequency.period(first, dates)
    return first, period, int(period[has_units].max()) + 1, int(period.max()) + 1


def _units(
    table: pd.DataFrame,
    series: np.ndarray,
    period: np.ndarray,
    shape: tuple[int, int],
    frequency: Frequency,
    repairs: list[str],
) -> tuple[np.ndarray, np.ndarray]:
    """Units and what is known of them; a gap is unknown, unless no row at all states a 0."""
    values = table[UNITS].to_numpy()
    is_negative = values < 0
    if is_negative.any():
        repairs.append(f"{int(is_negative.sum())} negative units were read as 0: returns are not demand.")
    is_stated = np.isfinite(values)
    units, is_observed = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=bool)
    units[series[is_stated], period[is_stated]] = np.maximum(values[is_stated], 0)
    is_observed[series[is_stated], period[is_stated]] = True
    first = np.where(is_observed.any(axis=1), is_observed.argmax(axis=1), shape[1])
    gaps = ~is_observed & (np.arange(shape[1]) >= first[:, None])
    if gaps.any():
        _state_gaps(units, is_observed, gaps, frequency, repairs)
    single = int((is_observed.sum(axis=1) == 1).sum())
    if single:
        repairs.append(f"{single} series have one point only; they are forecast as new, from series like them.")
    return units, is_observed


def _state_gaps(
    units: np.ndarray, is_observed: np.ndarray, gaps: np.ndarray, frequency: Frequency, repairs: list[str]
) -> None:
    count = f"{int(gaps.sum())} {frequency.name}s of {int(gaps.any(axis=1).sum())} series have no row or no units"
    if (units[is_observed] == 0).any():
        repairs.append(f"{count}; they are taken as not seen, not as 0.")
        return
    is_observed |= gaps
    repairs.append(f"{count}; no row states 0 units, so they are read as 0: nothing sold.")


def _numbers(column: "pd.Series[Any]") -> tuple[np.ndarray, tuple[str, ...]]:
    """A column as float32, and the names behind it where it held text: codes in the order of the sorted names."""
    if pd.api.types.is_datetime64_any_dtype(column):
        days = column.to_numpy().astype("datetime64[D]")
        return np.where(np.isnat(days), np.nan, days.astype(np.int64)).astype(np.float32), ()
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return column.to_numpy(dtype=np.float32, na_value=np.nan), ()
    is_missing = column.isna().to_numpy()
    names, codes = np.unique(column.astype(str).to_numpy().astype(np.str_), return_inverse=True)
    if is_missing.any():
        names, codes = np.unique(column[~is_missing].astype(str).to_numpy().astype(np.str_), return_inverse=True)
    values = np.full(len(column), np.nan, dtype=np.float32)
    values[~is_missing] = codes
    return values, tuple(map(str, names))


def _attributes(
    attributes: Rows | None, series_ids: np.ndarray, categories: dict[str, tuple[str, ...]]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    if attributes is None:
        return {}, {}
    frame = _frame(attributes)
    if SERIES not in frame.columns:
        raise InputError(f"the attributes have no column {SERIES}; they have {', '.join(map(str, frame))}.")
    ids = frame[SERIES] if pd.api.types.is_integer_dtype(frame[SERIES]) else frame[SERIES].astype(str)
    if ids.duplicated().any():
        raise InputError(
            f"the attributes name series {ids[ids.duplicated()].iloc[0]!r} twice; give one row per series."
        )
    aligned = frame.drop(columns=SERIES).set_index(pd.Index(ids.to_numpy())).reindex(series_ids)
    numbers: dict[str, np.ndarray] = {}
    groups: dict[str, np.ndarray] = {}
    for name in map(str, aligned.columns):
        values, names = _numbers(aligned[name])
        numbers[name] = values
        if names:
            categories[name] = names
        if names and 1 < len(names) <= max(len(series_ids) * MAX_GROUP_SHARE, 2):
            groups[name] = np.where(np.isnan(values), MISSING, np.nan_to_num(values)).astype(np.int64)
    return numbers, groups
