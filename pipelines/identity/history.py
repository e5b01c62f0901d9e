"""Who each id belonged to, and what its customer allowed, as it was known before a point in time.

A backtest must not know that two ids are one person before an event says so, nor a refusal that comes later. The rules
are those of `resolution` and `consent`, applied to the links and statements before that time.

Most links join an anonymous id with one user. For them, the owner and the time of the first link give the answer at any
time. Only groups of ids with an alias event are resolved anew for each time.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from contracts import columns as c
from contracts.customer_id import customer_id_of_anonymous, customer_id_of_user
from contracts.time_units import to_microseconds
from pipelines.identity.id_links import links_of_events, links_of_statements
from pipelines.identity.resolution import resolve
from pipelines.warehouse.schemas import (
    FIRST_AT,
    ID_LINKS,
    IDENTITY_MAP_WITH_CONSENT,
    IS_USER_ID,
    LINKED_IDS,
    PERSON_ID,
    stated_at,
)
from pipelines.warehouse.views import with_person_id

NEVER: Final = np.iinfo(np.int64).max  # microseconds since 1970
BEFORE_ALL: Final = np.iinfo(np.int64).min
_NEEDED: Final = (c.CONSENT_ANALYTICS, c.CONSENT_PERSONALIZATION)  # personalization requires both
_STATED: Final = (c.ANONYMOUS_ID, c.USER_ID, c.OCCURRED_AT, *_NEEDED)


class IdentityHistory:
    """The identity map and the consent at any time, from event lines and suppressed consent statements.

    A person is a user id or an anonymous id, numbered in the order of the customer id that it has alone. Customers are
    numbered alike: a customer's id is that of one of its persons.
    """

    def __init__(self, events: ibis.Table, statements: ibis.Table) -> None:
        parts = (links_of_events(events), links_of_statements(statements))
        links = pa.concat_tables([part.select(ID_LINKS.names).to_pyarrow().cast(ID_LINKS) for part in parts])
        ids = {name: links[name].to_pandas() for name in LINKED_IDS}
        is_alias = ids[c.PREVIOUS_ID].notna()
        # An id of an alias event may be of either kind, depending on what else is known of it.
        aliases = pd.concat([ids[c.PREVIOUS_ID], ids[c.USER_ID][is_alias]])
        users = pd.concat([ids[c.USER_ID], aliases]).dropna().unique()
        anonymous = pd.concat([ids[c.ANONYMOUS_ID], aliases]).dropna().unique()
        texts = np.array([*map(customer_id_of_user, users), *map(customer_id_of_anonymous, anonymous)], dtype=object)
        order = np.argsort(texts)
        self.customer_ids = pa.array(texts[order], pa.string())  # (persons,), sorted
        self.is_user = order < len(users)  # (persons,)
        self.person_ids = pa.array(np.concatenate([users, anonymous])[order], pa.string())
        self._index = pd.Index(texts[order])
        self._resolved: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._links = links.select([*LINKED_IDS, FIRST_AT])
        self._first_at = _microseconds(links[FIRST_AT], NEVER)
        self._first_seen = self._earliest(ids)
        self._owner, self._since = np.arange(len(texts)), np.full(len(texts), NEVER)
        self._is_near_alias = _is_near_alias(ids, is_alias)
        self._set_owners(ids)
        self._statements = self._read_statements(links, ids, events, statements)

    def persons(self, user_ids: pd.Series, anonymous_ids: pd.Series) -> np.ndarray:
        """The person of each row, by the user id, else by the anonymous id; -1 without one."""
        return np.where(user_ids.notna(), self._users(user_ids), self._visitors(anonymous_ids))

    def _users(self, ids: pd.Series) -> np.ndarray:
        return self._index.get_indexer(pd.Index(ids.map(customer_id_of_user, na_action="ignore")))

    def _visitors(self, ids: pd.Series) -> np.ndarray:
        return self._index.get_indexer(pd.Index(ids.map(customer_id_of_anonymous, na_action="ignore")))

    def customers(self, at: datetime) -> np.ndarray:
        """The customer of each person as known before `at`, (persons,)."""
        return self._customers(to_microseconds(at))

    def _customers(self, before: int) -> np.ndarray:
        customers = np.where(self._since < before, self._owner, np.arange(len(self._owner)))
        rows = self._is_near_alias & (self._first_at < before)
        count = int(rows.sum())  # of two times with as many links, the links are the same
        if count and count not in self._resolved:
            self._resolved[count] = self._resolve(self._links.filter(pa.array(rows)))
        if count:
            persons, owners = self._resolved[count]
            customers[persons] = owners
        return customers

    def _resolve(self, links: pa.Table) -> tuple[np.ndarray, np.ndarray]:
        """Persons of these links, and the customer of each."""
        found = resolve(links)
        ids = found[PERSON_ID].to_pandas()
        persons = np.where(found[IS_USER_ID].to_numpy(), self._users(ids), self._visitors(ids))
        return persons, self._index.get_indexer(pd.Index(found[c.CUSTOMER_ID].to_pandas()))

    def outcome_customers(self, start: datetime, end: datetime) -> np.ndarray:
        """For each person, the customer as known before `start` to whom events in [start, end) belong, (persons,).

        Links until `end` count: who signs in later is the same person. What an id did that was not known before belongs
        to the customer who was: with a user id, else without. A customer without a user id gives way to one with it.
        Persons that belong to nobody who was known have the customer of the `end`.
        """
        then, later, size = self.customers(start), self.customers(end), len(self._owner)
        was_seen = self._first_seen < to_microseconds(start)
        without_user = np.where(self.is_user[then], 0, size)
        known_as = np.full(size, 2 * size)
        np.minimum.at(known_as, later[was_seen], (then + without_user)[was_seen])
        joined = known_as[later]
        is_own = was_seen & ((without_user == 0) | (joined >= size))
        return np.where(is_own, then, np.where(joined < 2 * size, joined % size, later))

    def allowed(self, at: datetime, customers: np.ndarray) -> np.ndarray:
        """Whether each customer allowed personalization before `at`, (persons,); `customers` (persons,) joins them."""
        return self._statements.allowed(to_microseconds(at), customers)

    def people(self, at: datetime) -> pa.Table:
        """`schemas.IDENTITY_MAP_WITH_CONSENT` as known before `at`; ids that come later are customers of their own.

        Of customers who come later, the latest consent counts, so that nobody who refused is used.
        """
        return self._people(self.customers(at), at)

    def outcome_people(self, start: datetime, end: datetime) -> pa.Table:
        """`schemas.IDENTITY_MAP_WITH_CONSENT` by `outcome_customers`; the consent is that of `people(start)`."""
        return self._people(self.outcome_customers(start, end), start)

    def _people(self, customers: np.ndarray, at: datetime) -> pa.Table:
        known = self.customers(at)
        was_seen = np.zeros(len(customers), bool)
        was_seen[known[self._first_seen < to_microseconds(at)]] = True
        allowed = np.where(was_seen, self.allowed(at, known), self._statements.allowed(NEVER, customers))
        found = {
            IS_USER_ID: self.is_user,
            PERSON_ID: self.person_ids,
            c.CUSTOMER_ID: self.customer_ids.take(pa.array(customers)),
            c.IS_KNOWN: self.is_user[customers],
            c.ALLOWS_PERSONALIZATION: allowed[customers],
        }
        return pa.table(found).cast(IDENTITY_MAP_WITH_CONSENT)

    def _earliest(self, ids: dict[str, pd.Series]) -> np.ndarray:
        """When each person was first seen, in microseconds; NEVER where only suppressed events state it."""
        first = np.full(len(self._index), NEVER)
        previous = ids[c.PREVIOUS_ID]
        for persons in (
            self._users(ids[c.USER_ID]),
            self._visitors(ids[c.ANONYMOUS_ID]),
            self._users(previous),
            self._visitors(previous),
        ):
            np.minimum.at(first, persons[persons >= 0], self._first_at[persons >= 0])
        return first

    def _set_owners(self, ids: dict[str, pd.Series]) -> None:
        """The owner of anonymous ids that no alias is near: the user with whom each was first seen."""
        is_pair = ids[c.ANONYMOUS_ID].notna() & ids[c.USER_ID].notna() & ~self._is_near_alias & (self._first_at < NEVER)
        pairs = pd.DataFrame(
            {
                "visitor": self._visitors(ids[c.ANONYMOUS_ID][is_pair]),
                "user": self._users(ids[c.USER_ID][is_pair]),
                "id": ids[c.USER_ID][is_pair],
                "at": self._first_at[is_pair],
            }
        )
        first = pairs.sort_values(["at", "id"]).drop_duplicates("visitor")
        self._owner[first["visitor"]], self._since[first["visitor"]] = first["user"], first["at"]

    def _read_statements(
        self, links: pa.Table, ids: dict[str, pd.Series], events: ibis.Table, suppressed: ibis.Table
    ) -> "_Statements":
        """The statements of customers who ever refused; all others are allowed at any time."""
        is_refusal = np.zeros(links.num_rows, bool)
        for purpose in _NEEDED:
            is_refusal |= links[stated_at(purpose, yes=False)].is_valid().to_numpy()
        refusing = self.persons(ids[c.USER_ID], ids[c.ANONYMOUS_ID])[is_refusal]
        customers = self._customers(NEVER)
        persons = np.flatnonzero(np.isin(customers, customers[refusing[refusing >= 0]]))
        rows = [suppressed.filter(_is_statement(suppressed)).select(*_STATED).to_pyarrow()]
        if len(persons):
            table = pa.table({IS_USER_ID: self.is_user[persons], PERSON_ID: self.person_ids.take(pa.array(persons))})
            heads = events.filter(events[c.LINE] == 0, _is_statement(events))
            keyed = with_person_id(heads).semi_join(ibis.memtable(table), [IS_USER_ID, PERSON_ID])
            rows.append(keyed.select(*_STATED).to_pyarrow())
        stated = pa.concat_tables([table.cast(rows[0].schema) for table in rows])
        person = self.persons(stated[c.USER_ID].to_pandas(), stated[c.ANONYMOUS_ID].to_pandas())
        is_known = person >= 0
        given = {name: stated[name].cast(pa.int8()).fill_null(-1).to_numpy()[is_known] for name in _NEEDED}
        return _Statements(person[is_known], _microseconds(stated[c.OCCURRED_AT], NEVER)[is_known], given)


@dataclass(frozen=True)
class _Statements:
    """Statements of consent, (statements,) each; `given` by purpose: 1 for yes, 0 for no, -1 where it is not stated."""

    person: np.ndarray
    at: np.ndarray  # microseconds since 1970
    given: dict[str, np.ndarray]

    def allowed(self, before: int, customers: np.ndarray) -> np.ndarray:
        """Whether each customer's latest statements before then refuse nothing that is needed, (persons,)."""
        allowed = np.ones(len(customers), bool)
        for given in self.given.values():
            no, yes = (np.full(len(customers), BEFORE_ALL) for _ in range(2))
            for answer, latest in ((0, no), (1, yes)):
                rows = (given == answer) & (self.at < before)
                np.maximum.at(latest, customers[self.person[rows]], self.at[rows])
            allowed &= (no == BEFORE_ALL) | (yes > no)
        return allowed


def _is_statement(rows: ibis.Table) -> ibis.Value:
    return ibis.or_(*(rows[purpose].notnull() for purpose in _NEEDED))


def _is_near_alias(ids: dict[str, pd.Series], is_alias: pd.Series) -> np.ndarray:
    """(links,) whether a link is in one group with an alias event, by whatever joins ids of the same text."""
    texts = pd.Index(pd.concat(ids.values()).dropna().unique())
    codes = np.stack([texts.get_indexer(pd.Index(ids[name])) for name in LINKED_IDS])  # (3, links); -1 where missing
    some = codes.max(axis=0)
    edges = [(codes[kind][codes[kind] >= 0], some[codes[kind] >= 0]) for kind in range(len(codes))]
    left, right = (np.concatenate(ends) for ends in zip(*edges, strict=True))
    graph = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(len(texts), len(texts)))
    _, groups = connected_components(graph, directed=False)
    return np.asarray(np.isin(groups[some], groups[some[is_alias]]) & (some >= 0))


def _microseconds(times: pa.ChunkedArray, missing: int) -> np.ndarray:
    return times.cast(c.TIMESTAMP).cast(pa.int64()).fill_null(missing).to_numpy()
