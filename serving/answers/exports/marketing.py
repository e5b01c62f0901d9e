"""Customers as a CSV file that Klaviyo or Mailchimp imports unchanged, and the consent that a list needs.

The bundle holds no addresses, so the service cannot leak any. Over HTTP a contact is known by its id, and by an e-mail
address only if the id is one. The command line has access to the warehouse and adds the addresses of identify events.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from serving.answers.exports.csv import (
    ROWS_PER_BATCH,
    cells_as_text,
    csv_header,
    csv_rows,
    guarded,
    is_list_of_text,
    joined,
    starts_formula,
    times_as_text,
)
from serving.answers.exports.item_details import details_of, item_details
from serving.answers.tables.filters import Filter
from serving.answers.tables.table import ServedTable

EMAIL_ADDRESS: Final = "Email Address"  # both tools use this name; Klaviyo wants it first
EXTERNAL_ID: Final = "External ID"
TAGS: Final = "Tags"
# Addresses that both tools accept and no spreadsheet runs as a formula.
_EMAIL_PATTERN: Final = r"^[A-Za-z0-9_][A-Za-z0-9_.+%'&!#$*/=?^{|}~`-]*@[^\s@,;<>()\"']+\.[^\s@.,;<>()\"']{2,}$"
# The columns for a campaign, as far as the bundle has them. Mailchimp's smallest plan allows 30 fields.
_USEFUL: Final = (
    c.CHURN_RISK,
    c.CHURN_BAND,
    *c.CHURN_REASONS,
    c.EXPECTED_VALUE_30D,
    c.EXPECTED_VALUE_90D,
    c.EXPECTED_VALUE_365D,
    c.VALUE_AT_RISK,
    c.NEXT_ORDER_EXPECTED,
    c.NEXT_ORDER_FROM,
    c.NEXT_ORDER_TO,
    c.RFM_SEGMENT,
    c.STAGE,
    c.CLUSTER,
    c.UPLIFT_BAND,
    c.SUGGESTED_ACTION,
    c.RECOMMENDED_ITEMS,
    c.ORDERS,
    c.REVENUE,
    c.FIRST_ORDER_AT,
    c.LAST_ORDER_AT,
    c.COUNTRY,
    c.AS_OF,
)
_TAGGED: Final = (c.CHURN_BAND, c.RFM_SEGMENT, c.STAGE, c.SUGGESTED_ACTION)


@dataclass(frozen=True)
class ContactFormat:
    """What the import of one tool needs."""

    name: str
    needs_email: bool  # otherwise the customer id is enough
    has_tags: bool
    has_item_details: bool  # Mailchimp's smallest plan has no fields left for them
    time: Callable[[pa.ChunkedArray], pa.ChunkedArray]
    texts: Callable[[pa.ChunkedArray], pa.ChunkedArray]  # of lists of text


class Contacts(NamedTuple):
    """Customers who can be contacted, with their addresses; and how many cannot."""

    positions: np.ndarray
    emails: pa.ChunkedArray
    left_out: int

    def first(self, rows: int | None) -> "Contacts":
        """The first of them, or all."""
        return Contacts(self.positions[:rows], self.emails[:rows], self.left_out)


def allowed(table: ServedTable) -> Filter:
    """The filter for customers who agreed to marketing: no statement is no consent, nor is a missing column."""
    if c.CONSENT_MARKETING in table.columns:
        return Filter(c.CONSENT_MARKETING, "eq", True)
    return Filter(table.key, "in", ())


def contacts(
    form: ContactFormat, table: ServedTable, positions: np.ndarray, addresses: pa.Table | None = None
) -> Contacts:
    """The customers whom the tool can identify; `addresses` has the columns customer_id and email.

    Of several customers with one address the first is kept: both tools want each address once.
    """
    ids = table.keys_at(positions)
    emails = _emails(ids, addresses)
    can_reach = pc.is_valid(emails)
    if not form.needs_email:
        can_reach = pc.or_(can_reach, pc.invert(starts_formula(ids)))
    reached = can_reach.to_numpy() & ~_is_repeated(emails)
    return Contacts(positions[reached], emails.filter(pa.array(reached)), int(np.count_nonzero(~reached)))


def useful_columns(table: ServedTable) -> list[str]:
    """The campaign columns that this table has."""
    return [name for name in _USEFUL if name in table.columns]


def contact_chunks(
    form: ContactFormat, table: ServedTable, found: Contacts, columns: Sequence[str], items: ServedTable | None = None
) -> Iterator[bytes]:
    """The header, then one line per contact, batch by batch; with `items`, what a mail shows of recommended items."""
    has_items = form.has_item_details and c.RECOMMENDED_ITEMS in columns
    details = item_details(items) if has_items else {}
    shown = [name for name in columns if name != table.key]
    tagged = [name for name in _TAGGED if form.has_tags and name in table.columns]
    yield csv_header([EMAIL_ADDRESS, EXTERNAL_ID, *([TAGS] if tagged else []), *map(_title, shown), *details])
    read = list(dict.fromkeys([table.key, *shown, *tagged]))
    start = 0
    for rows in table.batches(found.positions, read, ROWS_PER_BATCH):
        cells = [found.emails.slice(start, len(rows)), _identifier(rows[table.key])]
        cells += [_tags(rows, tagged)] if tagged else []
        cells += [_cells(form, rows[name]) for name in shown]
        cells += [_text(details_of(rows[c.RECOMMENDED_ITEMS].to_pylist(), texts)) for texts in details.values()]
        yield csv_rows(cells)
        start += len(rows)


def _emails(ids: pa.ChunkedArray, addresses: pa.Table | None) -> pa.ChunkedArray:
    """The address of each customer; null if none is known."""
    known = _valid(ids)
    if addresses is not None and len(addresses):
        rows = pc.index_in(ids, value_set=addresses[c.CUSTOMER_ID])
        known = pc.coalesce(_valid(addresses[c.EMAIL].take(rows)), known)
    return known


def _is_repeated(emails: pa.ChunkedArray) -> np.ndarray:
    """Whether an earlier customer has the same address, (customers,); missing addresses are not the same."""
    if emails.null_count == len(emails):
        return np.zeros(len(emails), bool)
    codes = pc.utf8_lower(emails).combine_chunks().dictionary_encode().indices
    numbers = codes.fill_null(-1).to_numpy()
    is_repeated: np.ndarray = numbers >= 0
    is_repeated[np.unique(numbers, return_index=True)[1]] = False
    return is_repeated


def _valid(emails: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.match_substring_regex(emails, _EMAIL_PATTERN), emails, None)


def _identifier(ids: pa.ChunkedArray) -> pa.ChunkedArray:
    """The id, or null if it needs an apostrophe: a changed id would be that of another customer."""
    return pc.if_else(starts_formula(ids), None, ids)


def _title(column: str) -> str:
    return column.replace("_", " ").title().replace("Rfm", "RFM")


def _tags(rows: pa.Table, tagged: Sequence[str]) -> pa.ChunkedArray:
    """For example `Stage: lapsed, Churn Band: high`; a comma ends a tag."""
    values = {name: pc.replace_substring(rows[name].cast(pa.string()), ",", " ") for name in tagged}
    tags = [pc.binary_join_element_wise(f"{_title(name)}: ", value, "") for name, value in values.items()]
    return guarded(reduce(_with_tag, tags))


def _with_tag(tags: pa.ChunkedArray, tag: pa.ChunkedArray) -> pa.ChunkedArray:
    """Both tags, or the one that is not null. Arrow's n-ary join with skipped nulls loses rows of one value."""
    return pc.coalesce(pc.binary_join_element_wise(tags, tag, ", "), tags, tag)


def _cells(form: ContactFormat, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        return form.time(column)
    return form.texts(column) if is_list_of_text(column.type) else cells_as_text(column)


def _json_lists(column: pa.ChunkedArray) -> pa.ChunkedArray:
    texts = [None if cell is None else orjson.dumps(cell).decode() for cell in column.to_pylist()]
    return pa.chunked_array([pa.array(texts, pa.string())])


def _text(cells: Iterable[str | None]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(list(cells), pa.string())])


def _date(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.utf8_slice_codeunits(times_as_text(column), 0, 10)


CONTACT_FORMATS: Final[dict[str, ContactFormat]] = {
    form.name: form
    for form in (
        # https://help.klaviyo.com/hc/en-us/articles/115005078967, .../115005078807, .../360039859932 and
        # .../8557592023451: the address first and each once, one of several forms of times, lists as JSON. Klaviyo
        # knows a profile by an address, a phone number or an External ID, but its page for lists takes only the former.
        ContactFormat(
            name="klaviyo",
            needs_email=False,
            has_tags=False,
            has_item_details=True,
            time=lambda column: times_as_text(column, " ", "+00:00"),
            texts=_json_lists,
        ),
        # https://mailchimp.com/help/format-guidelines-for-your-import-file/: an address is needed, dates have no time.
        ContactFormat(
            name="mailchimp",
            needs_email=True,
            has_tags=True,
            has_item_details=False,
            time=_date,
            texts=lambda column: guarded(joined(column)),
        ),
    )
}


def why_no_contacts(form: ContactFormat, selected: int) -> str | None:
    """The message if customers were selected and the tool can take none of them."""
    if not selected:
        return None
    needed = "an e-mail address" if form.needs_email else "an e-mail address or an id"
    return (
        f"{form.name} needs {needed}, and none of the {selected:,} customers has one here. Addresses are not kept in "
        f"bundles: `shopkeeper customers --format {form.name}` takes them from the trait `email` of identify events. "
        "Send that trait, or use addresses as customer ids."
    )
