"""Identity resolution: which ids belong to one customer. The order of the events makes no difference.

The rules:

* Two user ids are one customer only if alias events join them, directly or through other ids.
* An anonymous id belongs to the customer with whom it occurred first, including its earlier events. If it occurs with
  several customers (a shared device), it stays with the first and does not join them.
* An alias from an anonymous id to a user id is such a link; one between two anonymous ids joins them.
* An id that occurs in alias events only is a user id if it was given as `userId`, else an anonymous id.
* A customer's id is the smallest of the user ids. Without a user id, it is ``anonymous:`` and the smallest anonymous
  id, so that an anonymous id can never be mistaken for a user id of the same text.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from contracts import columns as c
from contracts.customer_id import customer_id_of_anonymous, customer_id_of_user
from pipelines.warehouse.schemas import FIRST_AT, IDENTITY_MAP, IS_USER_ID, PERSON_ID


def resolve(id_links: pa.Table) -> pa.Table:
    """`schemas.IDENTITY_MAP` from `schemas.ID_LINKS`.

    `previous_id` is null except for alias events. Where `first_at` is null, the ids are known but nothing links them.
    """
    seen = id_links.select([c.ANONYMOUS_ID, c.USER_ID, c.PREVIOUS_ID, FIRST_AT]).to_pandas()
    nodes = _Nodes.of(seen)
    links = _links(seen[seen[FIRST_AT].notna()], nodes)
    smallest = _smallest_of_component(links[links["one_person"]], nodes.count)
    customers = _with_owners(links[~links["one_person"]], smallest, nodes)
    return _people(seen, nodes, customers)


@dataclass(frozen=True)
class _Nodes:
    """Ids as numbers: user ids first, then anonymous ids, each in alphabetical order."""

    users: pd.Index
    anonymous: pd.Index

    @classmethod
    def of(cls, seen: pd.DataFrame) -> "_Nodes":
        is_alias = seen[c.PREVIOUS_ID].notna()
        anonymous = pd.Index(seen[c.ANONYMOUS_ID].dropna().unique())
        users = pd.Index(seen.loc[~is_alias, c.USER_ID].dropna().unique())
        aliased = pd.Index(seen.loc[is_alias, c.USER_ID].dropna().unique())
        users = users.union(aliased.difference(anonymous)).sort_values()
        others = aliased.union(pd.Index(seen.loc[is_alias, c.PREVIOUS_ID].unique())).difference(users)
        return cls(users, anonymous.union(others).sort_values())

    @property
    def count(self) -> int:
        return len(self.users) + len(self.anonymous)

    def of_anonymous(self, ids: pd.Series) -> np.ndarray:
        return self.anonymous.get_indexer(pd.Index(ids)) + len(self.users)

    def of_either(self, ids: pd.Series) -> np.ndarray:
        """User ids where they are known as such, else anonymous ids."""
        as_users = self.users.get_indexer(pd.Index(ids))
        return np.where(as_users >= 0, as_users, self.of_anonymous(ids))


def _links(seen: pd.DataFrame, nodes: _Nodes) -> pd.DataFrame:
    """Pairs of nodes that occurred together, the time of the first event, and whether this makes them one person."""
    pairs = seen[seen[c.ANONYMOUS_ID].notna() & seen[c.USER_ID].notna()]
    aliases = seen[seen[c.PREVIOUS_ID].notna()]
    links = pd.DataFrame(
        {
            "left": np.concatenate(
                [nodes.of_anonymous(pairs[c.ANONYMOUS_ID]), nodes.of_either(aliases[c.PREVIOUS_ID])]
            ),
            "right": np.concatenate([nodes.of_either(pairs[c.USER_ID]), nodes.of_either(aliases[c.USER_ID])]),
            "first_at": pd.concat([pairs[FIRST_AT], aliases[FIRST_AT]], ignore_index=True),
        }
    )
    is_user = links[["left", "right"]].to_numpy() < len(nodes.users)
    links["one_person"] = is_user[:, 0] == is_user[:, 1]
    return links


def _smallest_of_component(links: pd.DataFrame, count: int) -> np.ndarray:
    """For each node, the smallest node of its component."""
    edges = (np.ones(len(links), dtype=np.int8), (links["left"].to_numpy(), links["right"].to_numpy()))
    components, labels = connected_components(coo_array(edges, shape=(count, count)), directed=False)
    smallest = np.full(components, count)
    np.minimum.at(smallest, labels, np.arange(count))
    return smallest[labels]


def _with_owners(links: pd.DataFrame, smallest: np.ndarray, nodes: _Nodes) -> np.ndarray:
    """For each node, its customer's node: an anonymous id belongs to the first customer with whom it occurred."""
    pair = np.sort(links[["left", "right"]].to_numpy(), axis=1)  # (links, 2): the user's node is the smaller
    found = pd.DataFrame(
        {"owner": smallest[pair[:, 0]], "anonymous": smallest[pair[:, 1]], "at": links["first_at"].to_numpy()}
    )
    first = found.sort_values(["at", "owner"]).drop_duplicates("anonymous")
    owner = np.arange(nodes.count)
    owner[first["anonymous"]] = first["owner"]
    return owner[smallest]


def _people(seen: pd.DataFrame, nodes: _Nodes, customers: np.ndarray) -> pa.Table:
    texts = np.array(
        [customer_id_of_user(i) for i in nodes.users] + [customer_id_of_anonymous(i) for i in nodes.anonymous],
        dtype=object,
    )
    user_ids = pd.Series(
        seen[c.USER_ID].dropna().unique(), dtype="object"
    )  # also those that are anonymous ids of other events
    node = np.concatenate([nodes.of_either(user_ids), np.arange(len(nodes.users), nodes.count)]).astype(np.int64)
    people = pa.table(
        {
            IS_USER_ID: np.concatenate([np.ones(len(user_ids), bool), np.zeros(len(nodes.anonymous), bool)]),
            PERSON_ID: pa.array([*user_ids, *nodes.anonymous], pa.string()),
            c.CUSTOMER_ID: pa.array(texts[customers[node]], pa.string()),
            c.IS_KNOWN: customers[node] < len(nodes.users),
        }
    )
    return people.cast(IDENTITY_MAP)
