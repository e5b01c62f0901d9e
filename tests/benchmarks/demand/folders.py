"""Small folders of series whose answers are known."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

DAYS = 80
HORIZON = 7
META = {"frequency": "D", "horizon": HORIZON, "known_future": ["promo"], "unit": "units", "score_only_where": None}


def weekly_rows(series: int = 4, days: int = DAYS, seed: int = 5) -> pd.DataFrame:
    """A weekly season, doubled on days of promotion, closed on day 6 of each week (open is 0, units 0)."""
    generator = np.random.default_rng(seed)
    day = np.tile(np.arange(days), series)
    number = np.repeat(np.arange(series), days)
    promo, is_open = generator.random(len(day)) < 0.3, day % 7 != 6
    units = (10 + 5 * number + day % 7) * (1 + promo) * is_open
    return pd.DataFrame(
        {
            "series_id": [f"s{code}" for code in number],
            "date": pd.Timestamp("2025-01-06") + pd.to_timedelta(day, "D"),
            "units": units,
            "promo": promo.astype(int),
            "open": is_open.astype(int),
        }
    )


def write_folder(folder: Path, rows: pd.DataFrame, **meta: Any) -> Path:
    """`rows` as a folder of series, META changed by `meta`."""
    folder.mkdir(exist_ok=True)
    rows.to_parquet(folder / "series.parquet")
    names = rows["series_id"].unique()
    shelf = [f"shelf {number % 2}" for number in range(len(names))]
    pd.DataFrame({"series_id": names, "shelf": shelf, "width": 2.5}).to_parquet(folder / "attributes.parquet")
    (folder / "meta.json").write_text(json.dumps(META | meta))
    return folder
