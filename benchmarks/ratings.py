"""Top-N recommendation from sets of items: what else each user chose, the items of the training part left out.

    python -m benchmarks.ratings DIR

DIR holds train.parquet and test.parquet (user_id, item_id). The last line is one JSON object. The format has no times;
since the test items are a random part of each user's, the ranker's targets are too: a user's training items are spread
at random over five days, all of a day at once. The test file is read only to score.
"""

import argparse
import json
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.recommendations.run import evaluated, fitted, from_codes, grouped, item_id, ndcg, recall
from contracts.time_units import SECONDS_PER_DAY
from recsys.data.catalogue import Items
from recsys.data.interactions import KINDS, Interactions
from recsys.parameters import RecommendParameters
from recsys.request import Filters, Query

K: Final = 20
DAYS: Final = 5
SEED: Final = 7
PARAMETERS: Final = RecommendParameters(test_window_days=1, label_windows=1)


def main() -> None:
    """Fit, ask, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder with train.parquet and test.parquet")
    folder: Path = parser.parse_args().folder
    train, test = (pd.read_parquet(folder / f"{part}.parquet") for part in ("train", "test"))
    trial = fitted(*training(train), PARAMETERS)
    queries, targets = cases(test)
    metrics = {"recall_at_20": recall, "ndcg_at_20": ndcg(ideal=K)}
    print(json.dumps(evaluated(trial, queries, targets, K, metrics)))


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


if __name__ == "__main__":
    main()
