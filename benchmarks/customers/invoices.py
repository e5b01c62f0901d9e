"""Invoice lines as the orders that the benchmarks of customers read.

    python -m benchmarks.customers.invoices FILE.parquet --out DIR

FILE has a row for each line: invoice_no, customer_id, invoice_ts, quantity, unit_price. DIR gets orders.parquet with
customer_id, ordered_at, units and order_value, one row for each invoice. What does not count: lines without a customer,
cancellations (invoices that start with C), and lines without a quantity or a price above 0.
"""

import argparse
from pathlib import Path

import pandas as pd

ORDERS = "orders.parquet"


def main() -> None:
    """Read, sum, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, metavar="FILE.parquet")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    given = parser.parse_args()
    orders = orders_of(pd.read_parquet(given.file))
    given.out.mkdir(parents=True, exist_ok=True)
    orders.to_parquet(given.out / ORDERS)
    print(f"{len(orders):,} orders of {orders['customer_id'].nunique():,} customers are in {given.out / ORDERS}.")


def orders_of(lines: pd.DataFrame) -> pd.DataFrame:
    """One row for each invoice of a known customer, by customer and time."""
    is_cancelled = lines["invoice_no"].astype(str).str.startswith("C")
    is_sale = (lines["quantity"] > 0) & (lines["unit_price"] > 0) & lines["customer_id"].notna() & ~is_cancelled
    sold = lines[is_sale].assign(order_value=lambda line: line["quantity"] * line["unit_price"])
    by_invoice = sold.groupby(["customer_id", "invoice_no"], as_index=False).agg(
        ordered_at=("invoice_ts", "min"), units=("quantity", "sum"), order_value=("order_value", "sum")
    )
    columns = ["customer_id", "ordered_at", "units", "order_value"]
    return by_invoice[columns].sort_values(["customer_id", "ordered_at"], ignore_index=True)


if __name__ == "__main__":
    main()
