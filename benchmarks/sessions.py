"""Session recommendation: the next item of each test session's prefix, all items ranked.

    python -m benchmarks.sessions DIR

DIR holds train.parquet (session_id, position, item_id; sessions numbered in the order of time) and test.parquet
(prefix, target). The last line is one JSON object. The format has no times: events are taken as ten seconds apart, one
session after the other. The customer of a session is unknown. The test file is read only to ask and to score.
"""

import argparse
import json
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.recommendations.run import evaluated, fitted, from_codes, item_id, recall, reciprocal_rank
from recsys.data.catalogue import Items
from recsys.data.interactions import KINDS, Interactions
from recsys.parameters import RecommendParameters
from recsys.request import MAX_SESSION, Query, SessionEvent

K: Final = 20
SECONDS_PER_EVENT: Final = 10
PARAMETERS: Final = RecommendParameters()


def main() -> None:
    """Fit, ask, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder with train.parquet and test.parquet")
    folder: Path = parser.parse_args().folder
    trial = fitted(*training(pd.read_parquet(folder / "train.parquet")), PARAMETERS)
    queries, targets = cases(pd.read_parquet(folder / "test.parquet"))
    metrics = {"p_at_20": recall, "mrr_at_20": reciprocal_rank}
    print(json.dumps(evaluated(trial, queries, targets, K, metrics)))


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


def _query(prefix: np.ndarray) -> Query:
    return Query(session=tuple(SessionEvent(item_id(item)) for item in prefix[-MAX_SESSION:].tolist()), k=K)


if __name__ == "__main__":
    main()
