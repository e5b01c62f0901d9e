"""Session recommendation: the next item of each test session's prefix, all items ranked.

    python -m benchmarks.sessions DIR [--plain]

DIR holds train.parquet (session_id, position, item_id; sessions numbered in the order of time) and test.parquet
(prefix, target). The last line is one JSON object. The format has no times: events are taken as ten seconds apart, one
session after the other. The customer of a session is unknown. The test file is read only to ask and to score. Plain
lists beside: popular items; the most frequent followers of the latest item; the session's own items before those.
"""

import argparse
import json
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.recommendations.plain import followers, popular, shown
from benchmarks.recommendations.run import (
    Metric,
    evaluated,
    fitted,
    from_codes,
    item_id,
    recall,
    reciprocal_rank,
    scored,
)
from recsys.data.catalogue import Items
from recsys.data.interactions import KINDS, Interactions
from recsys.parameters import RecommendParameters
from recsys.request import MAX_SESSION, Query, SessionEvent

K: Final = 20
SECONDS_PER_EVENT: Final = 10
PARAMETERS: Final = RecommendParameters()
METRICS: Final[dict[str, Metric]] = {"p_at_20": recall, "mrr_at_20": reciprocal_rank}


def main() -> None:
    """Fit, ask, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder with train.parquet and test.parquet")
    parser.add_argument("--plain", action="store_true", help="score only the plain lists, without fitting")
    given = parser.parse_args()
    train, test = (pd.read_parquet(given.folder / f"{part}.parquet") for part in ("train", "test"))
    queries, targets = cases(test)
    plain = {name: scored(lists, targets, METRICS) for name, lists in plain_lists(train, test).items()}
    ours = {} if given.plain else evaluated(fitted(*training(train), PARAMETERS), queries, targets, K, METRICS)
    print(json.dumps(ours | {"plain": plain}))


def training(train: pd.DataFrame) -> tuple[Interactions, Items, int]:
    """Views in the order of sessions and positions, ten seconds apart; last, the first second after them."""
    train = train.sort_values(["session_id", "position"])
    times = np.arange(len(train)) * SECONDS_PER_EVENT
    sessions, viewed = train["session_id"].to_numpy(), train["item_id"].to_numpy()
    interactions, items = from_codes(sessions, viewed, KINDS.index("view"), times)
    return interactions, items, len(train) * SECONDS_PER_EVENT


def cases(test: pd.DataFrame) -> tuple[list[Query], list[set[str]]]:
    """A request for each prefix, and the one item that is wanted."""
    return [_query(prefix) for prefix in test["prefix"]], [{item_id(target)} for target in test["target"]]


def plain_lists(train: pd.DataFrame, test: pd.DataFrame) -> dict[str, list[list[str]]]:
    """For each prefix the popular items; the followers of its latest item; its own items first, the latest first."""
    train = train.sort_values(["session_id", "position"])
    viewed = train["item_id"].to_numpy()
    fill, after = popular(viewed)[: 2 * K], followers(train["session_id"].to_numpy(), viewed)
    own = [prefix[::-1].tolist() for prefix in test["prefix"]]
    return {
        "popular": [shown([], fill, K)] * len(own),
        "followers": [shown(after.get(items[0], []), fill, K) for items in own],
        "own_then_followers": [shown([*items, *after.get(items[0], [])], fill, K) for items in own],
    }


def _query(prefix: np.ndarray) -> Query:
    return Query(session=tuple(SessionEvent(item_id(item)) for item in prefix[-MAX_SESSION:].tolist()), k=K)


if __name__ == "__main__":
    main()
