"""A panel: units of every series in every period, which of them were observed, and what is known of the future.

A cell that was not observed is not a zero. Demand is not observed before a series begins, while it is out of stock, or
where the record is missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from contracts.errors import InputError
from models.demand.frequency import Frequency


@dataclass(frozen=True)
class Panel:
    """Series by periods; the first column is the period that begins at `first`.

    Shapes: `units` (series, periods) float32 >= 0, 0 where nothing sold; `is_observed` (series, periods) bool, False
    where demand was not observed; `future` known-future covariates (series, periods + ahead) float32, categories as
    codes, NaN unknown; `attributes` (series,) float32, numbers or codes, NaN unknown; `groups` (series,) int codes, -1
    for none.

    Raises InputError where shapes differ or units are negative or not finite.
    """

    units: np.ndarray
    is_observed: np.ndarray
    first: np.datetime64
    frequency: Frequency
    future: Mapping[str, np.ndarray] = field(default_factory=dict)
    attributes: Mapping[str, np.ndarray] = field(default_factory=dict)
    groups: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.units.ndim != 2 or self.is_observed.shape != self.units.shape:
            raise InputError(
                "a panel needs units and is_observed of one shape (series, periods); given were "
                f"{self.units.shape} and {self.is_observed.shape}."
            )
        if self.units.size and not (np.isfinite(self.units).all() and (self.units >= 0).all()):
            raise InputError("a panel's units must be finite and 0 or more; where demand was not observed, give 0.")
        for name, values in self.future.items():
            if values.ndim != 2 or values.shape[0] != self.series or values.shape[1] < self.periods:
                raise InputError(
                    f"covariate {name!r} has shape {values.shape}; it needs {self.series} series and at least "
                    f"{self.periods} periods."
                )
        for name, values in {**self.attributes, **self.groups}.items():
            if values.shape != (self.series,):
                raise InputError(f"attribute or group {name!r} has shape {values.shape}; it needs ({self.series},).")

    @property
    def series(self) -> int:
        return int(self.units.shape[0])

    @property
    def periods(self) -> int:
        return int(self.units.shape[1])

    @property
    def end(self) -> np.datetime64:
        """The first day after the panel's last period: where a forecast begins."""
        return np.datetime64(self.frequency.date(self.first, self.periods).item(), "D")

    @property
    def ahead(self) -> int | None:
        """For how many periods after the last every covariate is given; None where the panel has no covariates."""
        return min((values.shape[1] - self.periods for values in self.future.values()), default=None)

    def before(self, period: int) -> "Panel":
        """The panel as it was known when period number `period` began; what is known of the future stays."""
        return replace(self, units=self.units[:, :period], is_observed=self.is_observed[:, :period])

    def only(self, series: np.ndarray) -> "Panel":
        """The panel of the chosen series (a mask or indices)."""
        return replace(
            self,
            units=self.units[series],
            is_observed=self.is_observed[series],
            future={name: values[series] for name, values in self.future.items()},
            attributes={name: values[series] for name, values in self.attributes.items()},
            groups={name: values[series] for name, values in self.groups.items()},
        )

    def check_ahead(self, horizon: int) -> None:
        """Raise InputError where a covariate is not given for `horizon` periods after the panel's last, or has gaps."""
        for name, values in self.future.items():
            ahead = values.shape[1] - self.periods
            if ahead < horizon:
                last = self.frequency.date(self.first, self.periods + horizon - 1)
                raise InputError(
                    f"covariate {name!r} is known for {ahead} {self.frequency.name}s after the last units; the horizon "
                    f"needs {horizon}, until {last}. Give its values until then, or leave the covariate out."
                )
            missing = np.isnan(values[:, self.periods : self.periods + horizon])
            if missing.any():
                date = self.frequency.date(self.first, self.periods + int(missing.any(axis=0).argmax()))
                raise InputError(
                    f"covariate {name!r} has no value for {int(missing.sum())} cells of the coming {horizon} "
                    f"{self.frequency.name}s, the first on {date}. Give them, or leave the covariate out."
                )


def first_sale(panel: Panel) -> np.ndarray:
    """Each series' first period with sales, (series,) int64; `periods` where it never sold."""
    sold = panel.units > 0
    first: np.ndarray = np.where(sold.any(axis=1), sold.argmax(axis=1), panel.periods)
    return first
