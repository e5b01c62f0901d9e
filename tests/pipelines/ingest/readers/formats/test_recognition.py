"""Every export is recognised as what it is, in every variant, and as nothing else."""

from pathlib import Path

import pytest

from contracts.errors import InputError
from pipelines.ingest.readers.formats.format import Terms
from pipelines.ingest.readers.formats.head import read_head
from pipelines.ingest.readers.formats.registry import FORMATS, recognize
from tests.pipelines.ingest.readers.formats.written import export_text, header_of, names_of_exports, variants
from tests.pipelines.wire import NOW

OF_HEADER = {name: name for name in names_of_exports()} | {
    "shopify_customers_before_2024": "shopify_customers",
    "shopify_inventory_before_2024": "shopify_inventory",
    "woocommerce_order_export": "woocommerce_orders",
    "woocommerce_analytics_orders": "woocommerce_order_list",
    "magento_sales_grid": "magento_order_list",
    "mailchimp_audience": "mailchimp_contacts",
}


def recognized(path: Path, content: bytes) -> str | None:
    path.write_bytes(content)
    found = recognize(path, read_head(path))
    return found.name if found else None


@pytest.mark.parametrize("name", names_of_exports())
def test_an_export_is_recognised_in_every_variant(tmp_path: Path, name: str) -> None:
    found = {variant: recognized(tmp_path / "x.csv", text) for variant, text in variants(name, []).items()}
    assert found == dict.fromkeys(found, OF_HEADER[name])


def test_the_columns_decide_and_not_the_name_of_the_file(tmp_path: Path) -> None:
    names = names_of_exports()
    for name, other in zip(names, [*names[1:], names[0]], strict=True):
        path = tmp_path / f"{other}.csv"
        assert recognized(path, export_text(name, []).encode()) == OF_HEADER[name]


@pytest.mark.parametrize("name", names_of_exports())
def test_without_one_of_its_columns_it_is_not_taken_for_another(tmp_path: Path, name: str) -> None:
    found = set()
    for column in header_of(name):
        kept = [other for other in header_of(name) if other != column]
        found.add(recognized(tmp_path / "x.csv", export_text(name, [], kept).encode()))
    # Without the time of unsubscription the file is one of contacts, which state no consent.
    other = {"mailchimp_contacts"} if name == "mailchimp_unsubscribed" else set()
    assert None in found
    assert found - {None, OF_HEADER[name]} == other


def test_a_file_of_subscribers_is_one_by_its_name(tmp_path: Path) -> None:
    text = export_text("mailchimp_audience", []).encode()
    assert recognized(tmp_path / "subscribed_email_audience_export_1.csv", text) == "mailchimp_subscribed"
    assert recognized(tmp_path / "nonsubscribed_email_audience_export_1.csv", text) == "mailchimp_contacts"
    assert recognized(tmp_path / "cleaned_email_audience_export_1.csv", text) == "mailchimp_contacts"


def test_other_tables_are_no_export(tmp_path: Path) -> None:
    for header in ("item_id,price,stock", "Name,Email", "time,visitor,item,action", "Date,Order #,Total"):
        assert recognized(tmp_path / "x.csv", f"{header}\n".encode()) is None


@pytest.mark.parametrize(
    ("name", "advice"), [("woocommerce_analytics_orders", "wc/v3/orders"), ("magento_sales_grid", "sales_order_item")]
)
def test_an_export_without_lines_is_refused_with_what_to_export(tmp_path: Path, name: str, advice: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(export_text(name, []))
    head = read_head(path)
    found = recognize(path, head)
    assert found is not None
    with pytest.raises(InputError, match=advice):
        found.open(path, head, Terms(NOW))
    assert len(FORMATS) >= 15
