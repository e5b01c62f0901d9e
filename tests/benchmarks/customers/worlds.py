"""Orders of customers with rates of their own, some of whom leave."""

import numpy as np
import pandas as pd

from benchmarks.customers.split import DAY

START = pd.Timestamp("2025-01-01")
END = START + 200 * DAY


def orders_of_a_store(count: int = 400, seed: int = 3) -> pd.DataFrame:
    """Customers with rates of their own over 300 days, of whom a third leave at some time."""
    generator = np.random.default_rng(seed)
    rows = []
    for customer in range(count):
        first = int(generator.integers(0, 90))
        end = 300 if generator.random() > 1 / 3 else int(generator.integers(first + 1, 301))
        extra = generator.uniform(first, end, generator.poisson((end - first) / generator.choice([15, 60, 240])))
        value = generator.gamma(5, 8)
        rows += [(customer, START + pd.Timedelta(days=float(day)), 1, value) for day in [first, *extra]]
    return pd.DataFrame(rows, columns=["customer_id", "ordered_at", "units", "order_value"])
