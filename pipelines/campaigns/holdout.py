"""Campaigns: random assignment of customers to be contacted, or to a holdout group for comparison.

    <home>/campaigns/<campaign>.parquet   a row per customer: campaign, customer_id, arm, assigned_at

The assignment is by hash of campaign and customer: it can be repeated, and those of two campaigns are independent.
"""

import io
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Final

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy.stats import norm

from contracts import columns as c
from contracts.campaigns import HELD_OUT, OUTCOME_DAYS, campaigns_folder
from contracts.errors import InputError, NotEnoughData
from contracts.files.atomic import PRIVATE, make_private, replace_file, sync
from contracts.progress import Progress, silent
from contracts.settings import Settings
from pipelines.campaigns.held_out_ids import write_held_out_ids
from pipelines.features.order_statements import ORDERED_AT
from pipelines.features.orders import orders
from pipelines.warehouse import views
from pipelines.warehouse.warehouse import Warehouse, open_warehouse

CONTACTED: Final = "contacted"  # the treatment arm
SHARE: Final = 0.1  # of the customers, in the holdout group
MAX_SHARE: Final = 0.5
CONFIDENCE: Final = 0.95
POWER: Final = 0.80
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_SHARE_KEY: Final = b"share"
_HASH_BYTES: Final = 8


@dataclass(frozen=True)
class Assignment:
    """A campaign's assignments, and the smallest effect that they can show."""

    campaign: str
    share: float
    assignments: pa.Table  # c.CAMPAIGNS, sorted by customer
    path: Path
    base_rate: float  # share of the customers who ordered in the OUTCOME_DAYS before
    is_new: bool  # False: the same assignment existed already

    @property
    def assigned_at(self) -> datetime:
        return self.assignments[c.ASSIGNED_AT][0].as_py()

    @property
    def contacted(self) -> pa.ChunkedArray:
        """The ids of the customers to contact."""
        return self._arm(CONTACTED)

    @property
    def held_out(self) -> pa.ChunkedArray:
        """The ids of the holdout group, which must not be contacted."""
        return self._arm(HELD_OUT)

    @property
    def minimum_detectable_lift(self) -> float | None:
        """The smallest change of the share who order that is found with POWER; None: not defined."""
        return minimum_detectable_lift(self.base_rate, len(self.contacted), len(self.held_out))

    @property
    def even_detectable_lift(self) -> float | None:
        """The same with as many customers in halves, which is the least that they can show."""
        half = self.assignments.num_rows // 2
        return minimum_detectable_lift(self.base_rate, self.assignments.num_rows - half, half)

    def _arm(self, arm: str) -> pa.ChunkedArray:
        return self.assignments.filter(pc.equal(self.assignments[c.ARM], arm))[c.CUSTOMER_ID]


def assign_holdout(
    settings: Settings,
    campaign: str,
    share: float = SHARE,
    eligible: Collection[str] | None = None,
    at: datetime | None = None,
    progress: Progress = silent,
) -> Assignment:
    """Assign every known customer who consents to marketing to an arm at random, and store the assignment.

    `eligible` limits it to these customers. `at` is when the campaign starts; default now. A campaign that exists is
    refused, unless the assignment is the same.
    """
    path = campaign_path(settings, campaign)
    if not 0 < share <= MAX_SHARE:
        raise InputError(f"share is {share}; allowed is more than 0 and at most {MAX_SHARE}. Usual is {SHARE}.")
    progress("holdout: consenting customers")
    warehouse = open_warehouse(settings)
    customers = _consenting(warehouse, eligible)
    progress("holdout: assign")
    assigned = _assigned(campaign, customers, share, at or datetime.now(UTC))
    is_new = not path.is_file()
    if not is_new:
        assigned = _same(pq.read_table(path), assigned, share)
    progress("holdout: base rate")
    base_rate = _base_rate(warehouse, customers, assigned[c.ASSIGNED_AT][0].as_py())
    if is_new:
        progress("holdout: store")
        _write(path, assigned, share)
        write_held_out_ids(settings, warehouse, campaigns(settings))
    return Assignment(campaign, share, assigned, path, base_rate, is_new)


def campaigns(settings: Settings) -> pa.Table:
    """Every assignment of every campaign: c.ASSIGNMENTS; empty where there is no campaign."""
    tables = [c.ASSIGNMENTS.empty_table()]
    for path in sorted(campaigns_folder(settings).glob("*.parquet")):
        assigned = pq.read_table(path)
        share = pa.array(np.full(assigned.num_rows, holdout_share(path)))
        tables.append(assigned.append_column(c.HOLDOUT_SHARE, share).cast(c.ASSIGNMENTS))
    return pa.concat_tables(tables)


def campaign_path(settings: Settings, campaign: str) -> Path:
    """Where a campaign's assignments are, or will be; raises InputError for an invalid name."""
    if not _NAME.fullmatch(campaign):
        raise InputError(
            f"campaign {campaign[:80]!r}: a name has 1 to 64 lower-case letters, digits, '-' and '_'; for example "
            "win-back-march."
        )
    return campaigns_folder(settings) / f"{campaign}.parquet"


def holdout_share(path: Path) -> float:
    """The share of a campaign's customers that was assigned to the holdout group."""
    return float(pq.read_schema(path).metadata[_SHARE_KEY])


def minimum_detectable_lift(base_rate: float, contacted: int, held_out: int) -> float | None:
    """Smallest difference of two shares that a two-sided test finds with POWER; None: an arm is empty, or none ordered.

    Both arms are given the variance of the base rate, a close approximation for small lifts.
    """
    spread = base_rate * (1 - base_rate)
    if not min(contacted, held_out) or not spread:
        return None
    deviations = norm.ppf((1 + CONFIDENCE) / 2) + norm.ppf(POWER)
    return float(deviations * np.sqrt(spread * (1 / contacted + 1 / held_out)))


def known_customers(warehouse: Warehouse) -> pa.ChunkedArray:
    """The ids of every customer with a user id."""
    people = warehouse.identity_map()
    return people.filter(people[c.IS_KNOWN]).select(c.CUSTOMER_ID).distinct().to_pyarrow()[c.CUSTOMER_ID]


def customers_with_order(events: ibis.Table, start: datetime, end: datetime) -> pa.ChunkedArray:
    """The ids of customers with an order in [start, end) that was not undone by the end."""
    placed = orders(events, end)
    since = placed.filter(placed[ORDERED_AT] >= ibis.literal(start))
    return since.select(c.CUSTOMER_ID).distinct().to_pyarrow()[c.CUSTOMER_ID]


def known_until(warehouse: Warehouse) -> datetime:
    """Just after the last event, but never later than now; now, where there is none."""
    last, now = warehouse.event_window().last, datetime.now(UTC)
    return now if last is None else min(last + timedelta(microseconds=1), now)


def _consenting(warehouse: Warehouse, eligible: Collection[str] | None) -> pa.Array:
    """Known customers who consented to marketing, sorted; raises NotEnoughData where there are none."""
    consent = warehouse.consent()
    agreed = consent.filter(consent[c.CONSENT_MARKETING].fill_null(False)).select(c.CUSTOMER_ID).to_pyarrow()
    chosen = agreed.filter(pc.is_in(agreed[c.CUSTOMER_ID], known_customers(warehouse)))[c.CUSTOMER_ID]
    if eligible is not None:
        chosen = chosen.filter(pc.is_in(chosen, pa.array(eligible, pa.string())))
    if not len(chosen):
        raise NotEnoughData(
            "no customer can be assigned: none of the selected customers has a user id and has consented to marketing. "
            "Consent comes with the events, as context.consent.categoryPreferences.marketing."
        )
    return pa.array(sorted(chosen.to_pylist()), pa.string())


def _assigned(campaign: str, customers: pa.Array, share: float, assigned_at: datetime) -> pa.Table:
    arms = [HELD_OUT if _position(campaign, customer) < share else CONTACTED for customer in customers.to_pylist()]
    columns = ([campaign] * len(arms), customers, arms, [assigned_at] * len(arms))
    return pa.Table.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, c.CAMPAIGNS, strict=True)], schema=c.CAMPAIGNS
    )


def _position(campaign: str, customer_id: str) -> float:
    """A number in [0, 1) that depends only on these two."""
    digest = blake2b(f"{campaign}\0{customer_id}".encode(), digest_size=_HASH_BYTES).digest()
    return float(int.from_bytes(digest) / 2 ** (8 * _HASH_BYTES))


def _same(stored: pa.Table, assigned: pa.Table, share: float) -> pa.Table:
    """The stored assignment, where it is the requested one; raises InputError."""
    is_same = float(stored.schema.metadata[_SHARE_KEY]) == share and all(
        stored[name].to_pylist() == assigned[name].to_pylist() for name in (c.CUSTOMER_ID, c.ARM)
    )
    if not is_same:
        raise InputError(
            f"campaign {stored[c.CAMPAIGN][0].as_py()!r} was assigned on {stored[c.ASSIGNED_AT][0].as_py():%Y-%m-%d} "
            "with other customers or another share, and an assignment is never changed. Choose another name."
        )
    return stored.cast(c.CAMPAIGNS)


def _base_rate(warehouse: Warehouse, customers: pa.Array, at: datetime) -> float:
    end = min(at, known_until(warehouse))
    ordered = customers_with_order(views.events(warehouse), end - timedelta(days=OUTCOME_DAYS), end)
    return float(pc.mean(pc.is_in(customers, ordered)).as_py())


def _write(path: Path, assigned: pa.Table, share: float) -> None:
    """Write the file atomically, with the share in its metadata."""
    make_private(path.parent)
    sync(path.parent.parent)
    content = io.BytesIO()
    pq.write_table(assigned.replace_schema_metadata({_SHARE_KEY: repr(share).encode()}), content, compression="zstd")
    replace_file(path, content.getvalue(), PRIVATE)
