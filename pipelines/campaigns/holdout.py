"""Campaigns: who was drawn to be contacted, and who is held out so that what contacting changes can be measured.

    <home>/campaigns/<campaign>.parquet   a row per customer: campaign, customer_id, arm, assigned_at

The draw is by hash of campaign and customer: it can be repeated, and the draws of two campaigns are independent.
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
from contracts.atomic_files import replace_file, sync
from contracts.errors import InputError, NotEnoughData
from contracts.progress import Progress, silent
from contracts.settings import Settings
from pipelines.features.orders import ORDERED_AT, orders
from pipelines.warehouse import views
from pipelines.warehouse.warehouse import Warehouse, open_warehouse

CONTACTED: Final = "contacted"
HELD_OUT: Final = "holdout"
SHARE: Final = 0.1
MOST_HELD_OUT: Final = 0.5
OUTCOME_DAYS: Final = 30
CONFIDENCE: Final = 0.95
POWER: Final = 0.80
PRIVATE: Final = 0o600  # the files name people
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_SHARE_KEY: Final = b"share"
_HASH_BYTES: Final = 8


@dataclass(frozen=True)
class Draw:
    """A campaign's assignments, and what they can show."""

    campaign: str
    share: float
    assignments: pa.Table  # c.CAMPAIGNS, sorted by customer
    path: Path
    base_rate: float  # share of these customers who ordered in the OUTCOME_DAYS before
    is_new: bool  # False: the same draw was there already

    @property
    def assigned_at(self) -> datetime:
        at: datetime = self.assignments[c.ASSIGNED_AT][0].as_py()
        return at

    @property
    def contacted(self) -> pa.ChunkedArray:
        """The ids of who is to be contacted."""
        return self._arm(CONTACTED)

    @property
    def held_out(self) -> pa.ChunkedArray:
        """The ids of who is not."""
        return self._arm(HELD_OUT)

    @property
    def smallest_lift(self) -> float | None:
        """The smallest change of the share who order that would be found with POWER; None: it cannot be said."""
        return smallest_lift(self.base_rate, len(self.contacted), len(self.held_out))

    def _arm(self, arm: str) -> pa.ChunkedArray:
        return self.assignments.filter(pc.equal(self.assignments[c.ARM], arm))[c.CUSTOMER_ID]


def draw_holdout(
    settings: Settings,
    campaign: str,
    share: float = SHARE,
    among: Collection[str] | None = None,
    at: datetime | None = None,
    progress: Progress = silent,
) -> Draw:
    """Assign every known customer who consents to marketing (of `among`, where given) to an arm, and keep that.

    `at` is when the campaign starts; default now. A campaign that exists is refused, unless the draw is the same one.
    """
    path = campaign_path(settings, campaign)
    if not 0 < share <= MOST_HELD_OUT:
        raise InputError(f"share is {share}; allowed is more than 0 and at most {MOST_HELD_OUT}. Usual is {SHARE}.")
    progress("holdout: who may be contacted")
    warehouse = open_warehouse(settings)
    customers = _contactable(warehouse, among)
    progress("holdout: draw")
    drawn = _drawn(campaign, customers, share, at or datetime.now(UTC))
    is_new = not path.is_file()
    if not is_new:
        drawn = _same(pq.read_table(path), drawn, share)
    progress("holdout: base rate")
    base_rate = _base_rate(warehouse, customers, drawn[c.ASSIGNED_AT][0].as_py())
    if is_new:
        progress("holdout: keep")
        _write(path, drawn, share)
    return Draw(campaign, share, drawn, path, base_rate, is_new)


def campaigns(settings: Settings) -> pa.Table:
    """Every assignment of every campaign: c.CAMPAIGNS; empty where none was drawn."""
    tables = [pq.read_table(path).cast(c.CAMPAIGNS) for path in sorted(_folder(settings).glob("*.parquet"))]
    return pa.concat_tables([c.CAMPAIGNS.empty_table(), *tables])


def campaign_path(settings: Settings, campaign: str) -> Path:
    """Where a campaign's assignments are, or will be; raises InputError for what is no name."""
    if not _NAME.fullmatch(campaign):
        raise InputError(
            f"campaign {campaign[:80]!r}: a name has 1 to 64 lower-case letters, digits, '-' and '_'; for example "
            "win-back-march."
        )
    return _folder(settings) / f"{campaign}.parquet"


def drawn_share(path: Path) -> float:
    """The share of a campaign that was to be held out."""
    return float(pq.read_schema(path).metadata[_SHARE_KEY])


def smallest_lift(base_rate: float, contacted: int, held_out: int) -> float | None:
    """Smallest difference of two shares that a two-sided test finds with POWER; None: an arm is empty, or none ordered.

    Both arms are taken to vary as the base rate does, which is close for the small lifts that matter.
    """
    spread = base_rate * (1 - base_rate)
    if not min(contacted, held_out) or not spread:
        return None
    deviations = norm.ppf((1 + CONFIDENCE) / 2) + norm.ppf(POWER)
    return float(deviations * np.sqrt(spread * (1 / contacted + 1 / held_out)))


def known_customers(warehouse: Warehouse) -> pa.ChunkedArray:
    """The ids of every customer behind whom a user id stands."""
    people = warehouse.identity_map()
    return people.filter(people[c.IS_KNOWN]).select(c.CUSTOMER_ID).distinct().to_pyarrow()[c.CUSTOMER_ID]


def customers_with_order(events: ibis.Table, start: datetime, end: datetime) -> pa.ChunkedArray:
    """Who placed an order in [start, end) that still stood at the end."""
    placed = orders(events, end)
    since = placed.filter(placed[ORDERED_AT] >= ibis.literal(start))
    return since.select(c.CUSTOMER_ID).distinct().to_pyarrow()[c.CUSTOMER_ID]


def known_until(warehouse: Warehouse) -> datetime:
    """Just after the last event, but never later than now; now, where there is none."""
    last, now = warehouse.event_window().last, datetime.now(UTC)
    return now if last is None else min(last + timedelta(microseconds=1), now)


def _folder(settings: Settings) -> Path:
    return settings.home.resolve() / "campaigns"


def _contactable(warehouse: Warehouse, among: Collection[str] | None) -> pa.Array:
    """Known customers who said yes to marketing, sorted; raises NotEnoughData where there are none."""
    consent = warehouse.consent()
    agreed = consent.filter(consent[c.CONSENT_MARKETING].fill_null(False)).select(c.CUSTOMER_ID).to_pyarrow()
    chosen = agreed.filter(pc.is_in(agreed[c.CUSTOMER_ID], known_customers(warehouse)))[c.CUSTOMER_ID]
    if among is not None:
        chosen = chosen.filter(pc.is_in(chosen, pa.array(among, pa.string())))
    if not len(chosen):
        raise NotEnoughData(
            "nobody can be drawn: none of the customers in question is known and has consented to marketing. Consent "
            "comes with the events, as context.consent.categoryPreferences.marketing."
        )
    return pa.array(sorted(chosen.to_pylist()), pa.string())


def _drawn(campaign: str, customers: pa.Array, share: float, assigned_at: datetime) -> pa.Table:
    arms = [HELD_OUT if _position(campaign, customer) < share else CONTACTED for customer in customers.to_pylist()]
    columns = ([campaign] * len(arms), customers, arms, [assigned_at] * len(arms))
    return pa.Table.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, c.CAMPAIGNS, strict=True)], schema=c.CAMPAIGNS
    )


def _position(campaign: str, customer_id: str) -> float:
    """A number in [0, 1) that depends on nothing but these two."""
    digest = blake2b(f"{campaign}\0{customer_id}".encode(), digest_size=_HASH_BYTES).digest()
    return float(int.from_bytes(digest) / 2 ** (8 * _HASH_BYTES))


def _same(stored: pa.Table, drawn: pa.Table, share: float) -> pa.Table:
    """The stored draw, where it is the one that was asked for; raises InputError."""
    is_same = float(stored.schema.metadata[_SHARE_KEY]) == share and all(
        stored[name].to_pylist() == drawn[name].to_pylist() for name in (c.CUSTOMER_ID, c.ARM)
    )
    if not is_same:
        raise InputError(
            f"campaign {stored[c.CAMPAIGN][0].as_py()!r} was drawn on {stored[c.ASSIGNED_AT][0].as_py():%Y-%m-%d} with "
            "other customers or another share, and a draw is never changed. Choose another name."
        )
    return stored.cast(c.CAMPAIGNS)


def _base_rate(warehouse: Warehouse, customers: pa.Array, at: datetime) -> float:
    end = min(at, known_until(warehouse))
    came = customers_with_order(views.events(warehouse), end - timedelta(days=OUTCOME_DAYS), end)
    return float(pc.mean(pc.is_in(customers, came)).as_py())


def _write(path: Path, drawn: pa.Table, share: float) -> None:
    """Whole or not at all, with the share in the file's metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sync(path.parent.parent)
    content = io.BytesIO()
    pq.write_table(drawn.replace_schema_metadata({_SHARE_KEY: repr(share).encode()}), content, compression="zstd")
    replace_file(path, content.getvalue(), PRIVATE)
