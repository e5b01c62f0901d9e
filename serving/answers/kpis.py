"""The store's KPIs by month, by month and channel, and by cohort; as rows and as CSV."""

from datetime import datetime
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from contracts.errors import InputError
from serving.answers.exports.csv import cells_as_text, csv_header, csv_rows
from serving.answers.tables.json_cells import rows_as_json

ALL_CHANNELS: Final = "all"
DEFAULT_MONTHS: Final = 12
MAX_MONTHS: Final = 1_200
SHOWN_CHANNELS: Final = 20

By = Literal["month", "channel"]


class Kpis:
    """The two KPI tables. Months are in UTC; a method gives the last `months` of them."""

    def __init__(self, by_month: pa.Table, cohorts: pa.Table) -> None:
        self._by_month = by_month
        self._cohorts = cohorts
        facts = by_month.schema.metadata or {}
        self.as_of = datetime.fromisoformat(facts[b"as_of"].decode())
        self.lapse_days = int(facts[b"lapse_days"]) if facts[b"lapse_days"] else None

    def rows(self, by: By = "month", months: int = DEFAULT_MONTHS, channel: str | None = None) -> pa.Table:
        """The KPIs of each month: of all channels together, of each channel, or of the named channel.

        Raises InputError, naming the channels, if there is none of that name.
        """
        table = self._since(months, self._by_month, "month")
        channels = self._by_month["channel"]
        if channel is not None:
            if channel not in (known := pc.unique(channels).to_pylist()):
                raise InputError(
                    f"channel: there is no order through {channel[:80]!r}; there are "
                    f"{', '.join(repr(name) for name in known[:SHOWN_CHANNELS])}."
                )
            return table.filter(pc.equal(table["channel"], channel))
        compare = pc.equal if by == "month" else pc.not_equal
        return table.filter(compare(table["channel"], ALL_CHANNELS))

    def cohorts(self, months: int = DEFAULT_MONTHS) -> pa.Table:
        """The retention of customers whose first order lies in the last `months` months."""
        return self._since(months, self._cohorts, "cohort_month")

    def _since(self, months: int, table: pa.Table, column: str) -> pa.Table:
        """The rows of the last `months` months that have KPIs."""
        last = self._by_month["month"].to_numpy().astype("datetime64[M]").max()
        return table.filter(pa.array(table[column].to_numpy().astype("datetime64[M]") > last - months))


def kpi_csv(table: pa.Table) -> bytes:
    """The rows with a header, safe for a spreadsheet."""
    return csv_header(table.column_names) + csv_rows([cells_as_text(column) for column in table.columns])


def kpi_json(kpis: Kpis, table: pa.Table, bundle_version: str) -> dict[str, Any]:
    """The answer over HTTP and of the command line."""
    return {
        "bundle_version": bundle_version,
        "as_of": kpis.as_of,
        "lapse_days": kpis.lapse_days,
        "rows": rows_as_json(table),
    }
