"""Ingest of an export of Shopify's orders: lines per second and peak memory.

    python -m benchmarks.pipeline.exports --lines 100000 --home var/bench-exports

The file has the 79 columns of Shopify's admin, two lines per order on average, notes with quotes and line breaks, and
refunds. The last line is one JSON object. `--home` is emptied first.
"""

import argparse
import csv
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from benchmarks.harness.home import emptied
from benchmarks.pipeline.ingest import measured
from contracts.settings import load_settings

COLUMNS: Final = (
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,Shipping,"
    "Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,"
    "Lineitem price,Lineitem compare at price,Lineitem sku,Lineitem requires shipping,Lineitem taxable,"
    "Lineitem fulfillment status,"
    "Billing Name,Billing Street,Billing Address1,Billing Address2,Billing Company,Billing City,Billing Zip,"
    "Billing Province,Billing Country,Billing Phone,Shipping Name,Shipping Street,Shipping Address1,Shipping Address2,"
    "Shipping Company,Shipping City,Shipping Zip,Shipping Province,Shipping Country,Shipping Phone,Notes,"
    "Note Attributes,Cancelled at,Payment Method,Payment Reference,Refunded Amount,Vendor,Outstanding Balance,Employee,"
    "Location,Device ID,Id,Tags,Risk Level,Source,Lineitem discount,Tax 1 Name,Tax 1 Value,Tax 2 Name,Tax 2 Value,"
    "Tax 3 Name,Tax 3 Value,Tax 4 Name,Tax 4 Value,Tax 5 Name,Tax 5 Value,Phone,Receipt Number,Duties,"
    "Billing Province Name,Shipping Province Name,Payment ID,Payment Terms Name,Next Payment Due At,Payment References"
)
_START: Final = datetime(2024, 1, 1, tzinfo=UTC)
_ITEMS: Final = 2_000
_REFUNDED: Final = 0.05  # share of orders


def main() -> None:
    """Write a file, ingest it, ingest it again, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=100_000, help="lines of orders")
    parser.add_argument("--home", type=Path, default=Path("var/bench-exports"), help="an empty folder, or this one's")
    options = parser.parse_args()
    home = emptied(options.home)
    path = home / "orders_export_1.csv"
    write_orders(path, options.lines)
    settings = load_settings(home=home)
    figures = measured(settings, [path], None)
    for name in ("first", "again"):
        figures[name]["lines_per_second"] = round(options.lines / figures[name]["seconds"])
    print(json.dumps(figures | {"mib": round(path.stat().st_size / 1_048_576, 1)}))


def write_orders(path: Path, lines: int) -> None:
    """An export of that many lines, the same each time."""
    random_ = random.Random(7)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS.split(","), restval="")
        writer.writeheader()
        written = 0
        while written < lines:
            count = min(random_.choice((1, 1, 2, 2, 4)), lines - written)
            writer.writerows(_order(written, count, random_))
            written += count


def _order(number: int, count: int, random_: random.Random) -> list[dict[str, Any]]:
    at = f"{_START + timedelta(minutes=7 * number):%Y-%m-%d %H:%M:%S} +0000"
    customer = random_.randrange(20_000)
    repeated = {"Name": f"#{number}", "Email": f"customer{customer}@example.com", "Created at": at}
    is_refunded = random_.random() < _REFUNDED
    address = {
        f"{kind} {part}": f"{part} of customer {customer}" for kind in ("Billing", "Shipping") for part in _PARTS
    }
    first = address | {
        "Financial Status": "partially_refunded" if is_refunded else "paid",
        "Refunded Amount": "5.00" if is_refunded else "0.00",
        "Currency": "EUR",
        "Shipping": "4.90",
        "Taxes": "3.10",
        "Discount Amount": "0.00",
        "Accepts Marketing": random_.choice(("yes", "no")),
        "Shipping Country": "DE",
        "Notes": 'leave "at the door"\nplease' if number % 9 == 0 else "",
        "Id": str(5_550_000_000_000 + number),
    }
    return [repeated | (first if place == 0 else {}) | _item(random_) for place in range(count)]


_PARTS: Final = ("Name", "Street", "Address1", "City", "Zip", "Phone")


def _item(random_: random.Random) -> dict[str, Any]:
    item = random_.randrange(_ITEMS)
    price = {"Lineitem quantity": random_.randint(1, 3), "Lineitem price": f"{5 + item % 90}.00", "Vendor": "Acme"}
    return price | {"Lineitem name": f"Item {item}", "Lineitem sku": f"SKU-{item}", "Lineitem discount": "0.00"}


if __name__ == "__main__":
    main()
