"""Next-basket recommendation: the last basket of every customer, from the baskets before it.

    python -m benchmarks.baskets DIR [--plain]

DIR holds baskets.parquet (user_id, basket_no, item_id, is_target; the rows of the last basket are the targets). The
last line is one JSON object. The format has no times, only the order of each customer's baskets: a customer's last
basket before the target is taken as yesterday's, the one before as of the day before, and so on. The target rows are
read only to score. NDCG compares with the best possible list for the whole basket, as the published figures do. Plain
lists beside: popular items, the customer's most frequent items, and those with popular items after them.
"""

import argparse
import json
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.recommendations.plain import most_frequent, popular, shown
from benchmarks.recommendations.run import (
    Metric,
    evaluated,
    fitted,
    from_codes,
    grouped,
    hit,
    item_id,
    ndcg,
    recall,
    scored,
)
from contracts.time_units import SECONDS_PER_DAY
from recsys.data.catalogue import Items
from recsys.data.interactions import KINDS, Interactions
from recsys.parameters import RecommendParameters
from recsys.request import Query

K: Final = 10
PARAMETERS: Final = RecommendParameters(test_window_days=1)
METRICS: Final[dict[str, Metric]] = {"recall_at_10": recall, "ndcg_at_10": ndcg(ideal=None), "phr_at_10": hit}


def main() -> None:
    """Fit, ask, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder with baskets.parquet")
    parser.add_argument("--plain", action="store_true", help="score only the plain lists, without fitting")
    given = parser.parse_args()
    baskets = pd.read_parquet(given.folder / "baskets.parquet")
    known, wanted = baskets[~baskets["is_target"]], baskets[baskets["is_target"]]
    queries, targets = cases(wanted)
    plain = {name: scored(lists, targets, METRICS) for name, lists in plain_lists(known, wanted).items()}
    ours = {} if given.plain else evaluated(fitted(*training(known), PARAMETERS), queries, targets, K, METRICS)
    print(json.dumps(ours | {"plain": plain}))


def training(known: pd.DataFrame) -> tuple[Interactions, Items, int]:
    """Orders at noon, each customer's last basket on the last day; last, the first second after that day."""
    since = known.groupby("user_id")["basket_no"].transform("max") - known["basket_no"]
    days = int(since.max()) + 1 - since.to_numpy(np.int64)
    times = days * SECONDS_PER_DAY - SECONDS_PER_DAY // 2
    users, bought = known["user_id"].to_numpy(), known["item_id"].to_numpy()
    interactions, items = from_codes(users, bought, KINDS.index("order"), times)
    return interactions, items, int(days.max()) * SECONDS_PER_DAY


def cases(wanted: pd.DataFrame) -> tuple[list[Query], list[set[str]]]:
    """A request for each customer, and the items of the last basket."""
    found = list(grouped(wanted["user_id"].to_numpy(), wanted["item_id"].to_numpy()))
    queries = [Query(customer_id=str(user), k=K) for user, _ in found]
    return queries, [set(map(item_id, np.unique(bought).tolist())) for _, bought in found]


def plain_lists(known: pd.DataFrame, wanted: pd.DataFrame) -> dict[str, list[list[str]]]:
    """For each customer what is popular, what this customer bought most often, and that with popular items after it."""
    bought = known["item_id"].to_numpy()
    fill, own = popular(bought)[: 2 * K], most_frequent(known["user_id"].to_numpy(), bought)
    users = np.unique(wanted["user_id"]).tolist()
    return {
        "popular": [shown([], fill, K)] * len(users),
        "personal_frequency": [shown(own.get(user, []), [], K) for user in users],
        "personal_frequency_then_popular": [shown(own.get(user, []), fill, K) for user in users],
    }


if __name__ == "__main__":
    main()
