"""Read rows, one per series and date, as a panel. Each repair is reported; what cannot be repaired raises InputError.

Rows after a series' last units have no units: they hold known-future covariates only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from contracts.errors import InputError
from models.demand.frequency import Frequency
from models.demand.panel import Panel

SERIES: Final = "series_id"
DATE: Final = "date"
UNITS: Final = "units"
MAX_GROUP_SHARE: Final = 0.5  # a text attribute with more values than this share of the series groups nothing
MISSING: Final = -1
_Names = tuple[str, ...]


@dataclass(frozen=True)
class PanelRead:
    """A panel, the ids of its series in order, the names behind its codes by column, and what was repaired."""

    panel: Panel
    series_ids: np.ndarray
    categories: Mapping[str, _Names]
    repairs: _Names


def read_panel(
    rows: pd.DataFrame, frequency: Frequency, known_future: Sequence[str] = (), attributes: pd.DataFrame | None = None
) -> PanelRead:
    """The panel of `rows` with columns series_id, date, units and each of `known_future`.

    `attributes` has one row per series_id. Its text columns become codes, and groups as well where their values repeat.
    Repaired and reported: identical duplicates, gaps, empty and negative units, series with one point only. Raises
    InputError for contradicting duplicates, dates or units that cannot be read, and missing columns. It does not check
    whether covariates reach the horizon: see `Panel.check_ahead`.
    """
    repairs: list[str] = []
    table = _without_duplicates(_typed(rows, known_future), frequency, repairs)
    has_units = table[UNITS].notna().to_numpy()
    if not has_units.any():
        raise InputError("no row has units; give what was sold.")
    series_ids, series = np.unique(table[SERIES].to_numpy(), return_inverse=True)
    dates = table[DATE].to_numpy().astype("datetime64[D]")
    first = dates.min()
    period = frequency.period(first, dates)
    shape = len(series_ids), int(period[has_units].max()) + 1
    units, is_observed = _units(table[UNITS].to_numpy(), series, period, shape, frequency, repairs)
    categories: dict[str, _Names] = {}
    future = {}
    for name in known_future:
        future[name] = np.full((len(series_ids), int(period.max()) + 1), np.nan, dtype=np.float32)
        future[name][series, period], names = _numbers(table[name])
        categories |= {name: names} if names else {}
        _fill_calendar(name, future[name], repairs)
    numbers, groups = ({}, {}) if attributes is None else _attributes(attributes, series_ids, categories)
    panel = Panel(units, is_observed, first, frequency, future, numbers, groups)
    return PanelRead(panel, series_ids, categories, tuple(repairs))


def _typed(frame: pd.DataFrame, known_future: Sequence[str]) -> pd.DataFrame:
    """The needed columns: ids as text or integers, dates as datetime64, units as float64."""
    wanted = [SERIES, DATE, UNITS, *known_future]
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        raise InputError(f"the series have no column {', '.join(missing)}; they have {', '.join(map(str, frame))}.")
    if not len(frame):
        raise InputError("the series have no rows; give one row per series and date.")
    table = frame[wanted].reset_index(drop=True)
    table[SERIES] = _ids(table)
    for name, read in ((DATE, pd.to_datetime), (UNITS, pd.to_numeric)):
        try:
            table[name] = read(table[name])
        except (ValueError, TypeError) as error:
            raise InputError(f"column {name!r} cannot be read: {error}. Correct it.") from error
    if table[DATE].isna().any():
        raise InputError(f"{int(table[DATE].isna().sum())} rows have no date; give each row one, or leave it out.")
    table[UNITS] = table[UNITS].to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(table[UNITS]).any():
        raise InputError(f"{int(np.isinf(table[UNITS]).sum())} rows have infinite units; give finite numbers.")
    return table


def _ids(frame: pd.DataFrame) -> "pd.Series[Any]":
    return frame[SERIES] if pd.api.types.is_integer_dtype(frame[SERIES]) else frame[SERIES].astype(str)


def _without_duplicates(table: pd.DataFrame, frequency: Frequency, repairs: list[str]) -> pd.DataFrame:
    """Identical rows once. Raises InputError for two rows of one series and period that differ."""
    dates = table[DATE].to_numpy().astype("datetime64[D]")
    keys = table.assign(**{DATE: frequency.period(dates.min(), dates)})
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


def _units(
    values: np.ndarray,
    series: np.ndarray,
    period: np.ndarray,
    shape: tuple[int, int],
    frequency: Frequency,
    repairs: list[str],
) -> tuple[np.ndarray, np.ndarray]:
    """Units, and which were observed. A gap is not observed; it is a 0 where no row at all gives 0 units."""
    if (values < 0).any():
        repairs.append(f"{int((values < 0).sum())} negative units were read as 0: returns are not demand.")
    is_given = np.isfinite(values)
    units, is_observed = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=bool)
    units[series[is_given], period[is_given]] = np.maximum(values[is_given], 0)
    is_observed[series[is_given], period[is_given]] = True
    gaps = ~is_observed & np.logical_or.accumulate(is_observed, axis=1)
    if gaps.any():
        count = f"{int(gaps.sum())} {frequency.name}s of {int(gaps.any(axis=1).sum())} series have no row or no units"
        if (units[is_observed] == 0).any():
            repairs.append(f"{count}; they are taken as not observed, not as 0.")
        else:
            is_observed |= gaps
            repairs.append(f"{count}; no row gives 0 units, so they are read as 0: nothing sold.")
    single = int((is_observed.sum(axis=1) == 1).sum())
    if single:
        repairs.append(f"{single} series have one point only; they are forecast as new, from series like them.")
    return units, is_observed


def _fill_calendar(name: str, values: np.ndarray, repairs: list[str]) -> None:
    """A covariate with one value for all series in every period holds for series without a row there, too."""
    known = np.isfinite(values)
    lowest = np.where(known, values, np.inf).min(axis=0)
    highest = np.where(known, values, -np.inf).max(axis=0)
    is_calendar = bool((lowest == highest)[known.any(axis=0)].all()) and len(values) > 1
    gaps = ~known & known.any(axis=0)
    if is_calendar and gaps.any():
        values[gaps] = np.broadcast_to(lowest, values.shape)[gaps]
        repairs.append(f"{name} is the same for all series, so {int(gaps.sum())} cells without a row take it, too.")


def _numbers(column: "pd.Series[Any]") -> tuple[np.ndarray, _Names]:
    """A column as float32, and the names behind it where it held text: codes in the order of the sorted names."""
    if pd.api.types.is_datetime64_any_dtype(column):
        days = column.to_numpy().astype("datetime64[D]")
        return np.where(np.isnat(days), np.nan, days.astype(np.int64)).astype(np.float32), ()
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return column.to_numpy(dtype=np.float32, na_value=np.nan), ()
    is_given = column.notna().to_numpy()
    values = np.full(len(column), np.nan, dtype=np.float32)
    names, values[is_given] = np.unique(column[is_given].astype(str).to_numpy().astype(np.str_), return_inverse=True)
    return values, tuple(map(str, names))


def _attributes(
    frame: pd.DataFrame, series_ids: np.ndarray, categories: dict[str, _Names]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Attributes and groups of the series; `categories` takes the names behind text columns."""
    if SERIES not in frame.columns:
        raise InputError(f"the attributes have no column {SERIES}; they have {', '.join(map(str, frame))}.")
    ids = _ids(frame)
    if ids.duplicated().any():
        raise InputError(
            f"the attributes name series {ids[ids.duplicated()].iloc[0]!r} twice; give one row per series."
        )
    aligned = frame.drop(columns=SERIES).set_index(pd.Index(ids.to_numpy())).reindex(series_ids)
    numbers: dict[str, np.ndarray] = {}
    groups: dict[str, np.ndarray] = {}
    for name in map(str, aligned.columns):
        numbers[name], names = _numbers(aligned[name])
        categories |= {name: names} if names else {}
        if 1 < len(names) <= max(len(series_ids) * MAX_GROUP_SHARE, 2):
            groups[name] = np.nan_to_num(numbers[name], nan=MISSING).astype(np.int64)
    return numbers, groups
