"""One small shop in the catalogue export of each system: an item with variants, one without, and one that is hidden."""

from pathlib import Path
from typing import Any

import pytest

from contracts import columns as c
from pipelines.ingest.files import open_files
from pipelines.ingest.readers.formats.format import Terms
from tests.pipelines.ingest.readers.formats.written import export_text, variants
from tests.pipelines.wire import NOW

Rows = list[dict[str, str]]
SHOWN = (c.ITEM_ID, c.ITEM_NAME, c.ITEM_CATEGORY, c.ITEM_BRAND, c.PRICE, c.STOCK)

SHOPIFY: Rows = [
    {"URL handle": "hood", "Title": "Hood", "Vendor": "Acme", "Type": "Clothing", "Status": "Active", "Price": "50.00"}
    | {"SKU": "H-L", "Option1 name": "Size", "Option1 value": "L"}
    | {"Inventory tracker": "shopify", "Inventory quantity": "4", "Continue selling when out of stock": "FALSE"},
    {"URL handle": "hood", "SKU": "H-M", "Option1 value": "M", "Price": "1,050.00", "Inventory tracker": "shopify"}
    | {"Inventory quantity": "-1", "Continue selling when out of stock": "FALSE"},
    {"URL handle": "hood", "Product image URL": "https://example.com/2.png", "Image position": "2"},
    {"URL handle": "card", "Title": "Card", "Status": "Active", "Option1 name": "Title", "Price": "9.00"}
    | {"Option1 value": "Default Title", "Inventory quantity": "0", "Published on online store": "TRUE"},
    {"URL handle": "old", "Title": "Old", "Status": "Draft", "SKU": "O", "Price": "3.00", "Inventory quantity": "7"}
    | {"Inventory tracker": "shopify"},
]
OLD_NAMES = {
    "URL handle": "Handle",
    "SKU": "Variant SKU",
    "Price": "Variant Price",
    "Option1 name": "Option1 Name",
    "Option1 value": "Option1 Value",
    "Inventory tracker": "Variant Inventory Tracker",
    "Inventory quantity": "Variant Inventory Qty",
    "Continue selling when out of stock": "Variant Inventory Policy",
    "Published on online store": "Published",
    "Product image URL": "Image Src",
    "Image position": "Image Position",
}
OF_SHOPIFY = [
    ("H-L", "Hood - L", "Clothing", "Acme", 50.0, 4.0),
    ("H-M", "Hood - M", "Clothing", "Acme", 1050.0, 0.0),
    ("Card", "Card", None, None, 9.0, None),
    ("O", "Old", None, None, 3.0, 0.0),
]
EXPORTS: dict[str, tuple[Rows, list[tuple[Any, ...]]]] = {
    "shopify_products": (SHOPIFY, OF_SHOPIFY),
    "shopify_products_before_2024": (
        [{OLD_NAMES.get(name, name): cell for name, cell in row.items()} for row in SHOPIFY],
        OF_SHOPIFY,
    ),
    "woocommerce_products": (
        [
            {"ID": "7", "Type": "variable", "SKU": "H", "Name": "Hood", "Published": "1", "In stock?": "1"}
            | {"Categories": "Clothing > Hoods, Sale"},
            {"ID": "8", "Type": "variation", "SKU": "H-L", "Name": "Hood - L", "Published": "1", "In stock?": "1"}
            | {"Stock": "4", "Regular price": "50,00", "Parent": "H"},
            {"ID": "9", "Type": "variation", "Name": "Hood - M", "Published": "1", "In stock?": "0"}
            | {"Regular price": "1.050,00", "Sale price": "1.000,00", "Parent": "id:7"},
            {"ID": "10", "Type": "simple, virtual", "SKU": "C", "Name": "Card", "Published": "1", "In stock?": "1"}
            | {"Regular price": "9"},
            {
                "ID": "11",
                "Type": "simple",
                "SKU": "O",
                "Name": "Old",
                "Published": "-1",
                "In stock?": "1",
                "Stock": "7",
            },
        ],
        [
            ("H-L", "Hood - L", "Clothing > Hoods", None, 50.0, 4.0),
            ("9", "Hood - M", "Clothing > Hoods", None, 1000.0, 0.0),
            ("C", "Card", None, None, 9.0, None),
            ("O", "Old", None, None, None, 0.0),
        ],
    ),
    "magento_products": (
        [
            {"sku": "H", "product_type": "configurable", "name": "Hood", "product_online": "1"},
            {"sku": "H-L", "product_type": "simple", "name": "Hood L", "price": "50.0000", "qty": "4.0000"}
            | {
                "categories": "Default Category/Clothing,Default Category/Sale",
                "product_online": "1",
                "is_in_stock": "1",
            }
            | {"manage_stock": "1"},
            {"sku": "H-L", "store_view_code": "de", "product_type": "simple", "name": "Kapuze L"},
            {"sku": "C", "product_type": "virtual", "name": "Card", "price": "9.0000", "qty": "0", "is_in_stock": "1"}
            | {"product_online": "1", "manage_stock": "0"},
            {"sku": "O", "product_type": "simple", "name": "Old", "price": "3", "qty": "7", "product_online": "2"},
        ],
        [
            ("H-L", "Hood L", "Default Category/Clothing", None, 50.0, 4.0),
            ("C", "Card", None, None, 9.0, None),
            ("O", "Old", None, None, 3.0, 0.0),
        ],
    ),
    "prestashop_products": (
        [
            {"Product ID": "1", "Active (0/1)": "1", "Name *": "Hood", "Categories (x,y,z...)": "Clothing,Sale"}
            | {"Price tax excluded": "50.00", "Reference #": "H-L", "Manufacturer": "Acme", "Quantity": "4"},
            {"Product ID": "2", "Active (0/1)": "1", "Name *": "Card", "Price tax excluded": "9", "Quantity": "0"}
            | {"Out of stock action": "1"},
            {"Product ID": "3", "Active (0/1)": "0", "Name *": "Old", "Price tax excluded": "3.00", "Quantity": "7"},
        ],
        [
            ("H-L", "Hood", "Clothing", "Acme", 50.0, 4.0),
            ("2", "Card", None, None, 9.0, None),
            ("3", "Old", None, None, 3.0, 0.0),
        ],
    ),
    "bigcommerce_products": (
        [
            {
                "Item Type": "Product",
                "Product ID": "1",
                "Product Name": "Hood",
                "Product Code/SKU": "H",
                "Price": "50.00",
            }
            | {"Brand Name": "Acme", "Category": "Clothing/Hoods;Sale", "Track Inventory": "by option"}
            | {"Current Stock Level": "6", "Product Visible?": "Y", "Allow Purchases?": "Y"},
            {"Item Type": "  SKU", "Product ID": "2", "Product Name": "[S]Size=L", "Product Code/SKU": "H-L"}
            | {"Current Stock Level": "4"},
            {"Item Type": "  Rule", "Product ID": "3"},
            {
                "Item Type": "Product",
                "Product ID": "4",
                "Product Name": "Card",
                "Price": "9.00",
                "Product Visible?": "Y",
            }
            | {"Track Inventory": "none", "Current Stock Level": "0"},
            {
                "Item Type": "Product",
                "Product ID": "5",
                "Product Name": "Old",
                "Price": "3.00",
                "Product Visible?": "N",
            },
        ],
        [
            ("H", "Hood", "Clothing/Hoods", "Acme", 50.0, 6.0),
            ("H-L", "Hood", "Clothing/Hoods", "Acme", 50.0, 4.0),
            ("4", "Card", None, None, 9.0, None),
            ("5", "Old", None, None, 3.0, 0.0),
        ],
    ),
    "google_merchant": (
        [
            {"id": "H-L", "title": "Hood", "price": "50.00 EUR", "brand": "Acme", "availability": "in_stock"},
            {"id": "C", "title": "Card", "price": "9.00 EUR", "sale_price": "8.00 EUR", "availability": "in stock"},
            {"id": "O", "title": "Old", "price": "3.00 EUR", "availability": "out of stock"},
        ],
        [
            ("H-L", "Hood", None, "Acme", 50.0, None),
            ("C", "Card", None, None, 8.0, None),
            ("O", "Old", None, None, 3.0, 0.0),
        ],
    ),
}
INVENTORY: Rows = [
    {"Handle": "hood", "Title": "Hood", "Option1 Value": "L", "SKU": "H-L", "Location": "A", "Available": "3"},
    {"Handle": "hood", "Title": "Hood", "Option1 Value": "L", "SKU": "H-L", "Location": "B", "Available": "2"},
    {"Handle": "card", "Title": "Card", "Option1 Value": "Default Title", "SKU": "-", "Location": "A"}
    | {"Available": "not stocked"},
]


def items_in(path: Path, content: bytes) -> list[tuple[Any, ...]]:
    """The items of a file, none of which may be refused."""
    path.write_bytes(content)
    opened = open_files([path], None, None, Terms(NOW))
    found = opened.items or opened.partial
    assert found is not None
    assert found.quarantined == {}
    return [tuple(row[name] for name in SHOWN) for row in found.items.to_pylist()]


@pytest.mark.parametrize("name", EXPORTS)
def test_the_catalogue_of_a_shop_is_the_same_from_every_system(tmp_path: Path, name: str) -> None:
    rows, expected = EXPORTS[name]
    assert items_in(tmp_path / "x.csv", export_text(name, rows).encode()) == expected


@pytest.mark.parametrize("name", EXPORTS)
def test_other_programs_write_the_same_catalogue(tmp_path: Path, name: str) -> None:
    rows, expected = EXPORTS[name]
    for variant, content in variants(name, rows).items():
        assert items_in(tmp_path / "x.csv", content) == expected, variant


def test_options_are_attributes(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(export_text("shopify_products", SHOPIFY))
    opened = open_files([tmp_path / "x.csv"], None, None, Terms(NOW))
    assert opened.items is not None
    assert opened.items.items[c.ATTRIBUTES].to_pylist()[1] == '{"Size":"M","product":"hood"}'


def test_the_stock_of_all_locations_is_added_up_and_the_rest_stays(tmp_path: Path) -> None:
    expected = [("H-L", "Hood - L", None, None, None, 5.0), ("Card", "Card", None, None, None, None)]
    new = [
        {{"Available": "Available (not editable)"}.get(name, name): cell for name, cell in row.items()}
        for row in INVENTORY
    ]
    for name, rows in (("shopify_inventory", new), ("shopify_inventory_before_2024", INVENTORY)):
        for content in variants(name, rows).values():
            assert items_in(tmp_path / "x.csv", content) == expected
    (tmp_path / "x.csv").write_text(export_text("shopify_inventory", new))
    assert open_files([tmp_path / "x.csv"], None, None, Terms(NOW)).items is None  # they are partial
