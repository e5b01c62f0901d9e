"""Top-N recommendation from sets of items: what else each user chose, the items of the training part left out.

    python -m benchmarks.ratings DIR [--plain]

DIR holds train.parquet and test.parquet (user_id, item_id). The last line is one JSON object. The format has no times;
since the test items are a random part of each user's, the ranker's targets are too: a user's training items are spread
at random over five days, all of a day at once. The test file is read only to score. Popular items stand beside.
"""

import argparse
import json
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.recommendations.plain import popular, shown
from benchmarks.recommendations.run import (
    Metric,
    evaluated,
    fitted,
    from_codes,
    grouped,
    item_id,
    ndcg,
    recall,
    scored,
)
from contracts.time_units import SECONDS_PER_DAY
from recsys.data.catalogue import Items
from recsys.data.interactions import KINDS, Interactions
from recsys.parameters import RecommendParameters
from recsys.request import Filters, Query

K: Final = 20
DAYS: Final = 5
SEED: Final = 7
PARAMETERS: Final = RecommendParameters(test_window_days=1, label_windows=1)
METRICS: Final[dict[str, Metric]] = {"recall_at_20": recall, "ndcg_at_20": ndcg(ideal=K)}


def main() -> None:
    """Fit, ask, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder with train.parquet and test.parquet")
    parser.add_argument("--plain", action="store_true", help="score only the plain lists, without fitting")
    given = parser.parse_args()
    train, test = (pd.read_parquet(given.folder / f"{part}.parquet") for part in ("train", "test"))
    queries, targets = cases(test)
    plain = {"popular": scored(popular_lists(train, test), targets, METRICS)}
    ours = {} if given.plain else evaluated(fitted(*training(train), PARAMETERS), queries, targets, K, METRICS)
    print(json.dumps(ours | {"plain": plain}))


def training(train: pd.DataFrame) -> tuple[Interactions, Items, int]:
    """Orders at noon of days drawn at random; last, the first second after the last day."""
    days = np.random.default_rng(SEED).integers(0, DAYS, len(train))
    times = days * SECONDS_PER_DAY + SECONDS_PER_DAY // 2
    users, chosen = train["user_id"].to_numpy(), train["item_id"].to_numpy()
    interactions, items = from_codes(users, chosen, KINDS.index("order"), times)
    return interactions, items, DAYS * SECONDS_PER_DAY


def cases(test: pd.DataFrame) -> tuple[list[Query], list[set[str]]]:
    """A request for each user, without the items of the training part, and the user's items of the test part."""
    found = list(grouped(test["user_id"].to_numpy(), test["item_id"].to_numpy()))
    queries = [Query(customer_id=str(user), k=K, filters=Filters(exclude_known=True)) for user, _ in found]
    return queries, [set(map(item_id, np.unique(chosen).tolist())) for _, chosen in found]


def popular_lists(train: pd.DataFrame, test: pd.DataFrame) -> list[list[str]]:
    """For each user the popular items, without the user's items of the training part."""
    chosen = dict(grouped(train["user_id"].to_numpy(), train["item_id"].to_numpy()))
    order = popular(train["item_id"].to_numpy())
    return [shown([], order, K, hidden=chosen[user].tolist()) for user in np.unique(test["user_id"]).tolist()]


if __name__ == "__main__":
    main()
