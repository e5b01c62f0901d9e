"""After how many rounds of boosting each learner forecast the backtest best."""

from typing import Final

import numpy as np

from models.demand.features.rows import Rows
from models.demand.methods.boosting import Boosting

SHARES: Final = (0.15, 0.3, 0.5, 0.75, 1.0)
MAX_ROWS: Final = 30_000


def round_losses(boosting: Boosting, rows: Rows, units: np.ndarray) -> dict[str, dict[int, float]]:
    """By learner and number of rounds; of absolute errors over the series' own levels, for the mean of squared ones."""
    stride = max(1, len(rows) // MAX_ROWS)
    chosen, sold = rows.only(slice(None, None, stride)), units[::stride]
    found: dict[str, dict[int, float]] = {}
    for name, booster in boosting.boosters.items():
        power = 2 if name == "mean" else 1
        found[name] = {}
        for share in SHARES:
            number = max(1, round(share * booster.num_trees()))
            error = np.abs(boosting.predict(chosen, name, number) - sold) ** power / chosen.level ** (power / 2)
            found[name][number] = float(error.mean())
    return found


def best_rounds(losses: list[dict[str, dict[int, float]]]) -> dict[str, int]:
    """By learner, the number of rounds with the least loss over all windows of the backtest."""
    found = {}
    for name, by_rounds in losses[0].items():
        total = {number: sum(window[name].get(number, np.inf) for window in losses) for number in by_rounds}
        found[name] = min(total, key=lambda number: total[number])
    return found
