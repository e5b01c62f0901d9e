from pathlib import Path
from typing import Any

import pytest

from contracts.errors import InputError
from pipelines.ingest.files import Opened, open_files
from pipelines.ingest.readers.formats.feed import MAX_CHARS
from pipelines.ingest.readers.formats.format import Terms
from tests.pipelines.wire import NOW

NAMESPACE = 'xmlns:g="http://base.google.com/ns/1.0"'
RSS = f"""<?xml version="1.0"?>
<rss version="2.0" {NAMESPACE}><channel><title>Shop</title><link>https://example.com</link>
<item><g:id>H-L</g:id><title>Hood &amp; <![CDATA[Cap]]></title><g:price>50.00 EUR</g:price><g:brand>Acme</g:brand>
  <g:availability>in_stock</g:availability><g:product_type>Clothing</g:product_type><g:product_type>Sale</g:product_type>
  <g:shipping><g:country>DE</g:country><g:price>4.00 EUR</g:price></g:shipping></item>
<item><g:id>O</g:id><title>Old</title><g:price>3.00 EUR</g:price><g:availability>out of stock</g:availability></item>
</channel></rss>"""
ATOM = f"""<feed xmlns="http://www.w3.org/2005/Atom" {NAMESPACE}><title>Shop</title>
<entry><g:id>H-L</g:id><title>Hood</title><link href="https://a.example/h"/>
<g:price>50.00 EUR</g:price></entry></feed>"""


def opened(path: Path, text: str) -> Opened:
    path.write_text(text)
    return open_files([path], None, None, Terms(NOW))


def items(path: Path, text: str) -> list[dict[str, Any]]:
    found = opened(path, text).items
    assert found is not None
    return found.items.to_pylist()


def test_products_of_a_feed_are_items(tmp_path: Path) -> None:
    hood, old = items(tmp_path / "feed.xml", RSS)
    assert (hood["item_id"], hood["item_name"], hood["price"], hood["item_category"]) == (
        *("H-L", "Hood & Cap", 50.0, "Clothing"),
    )
    assert (hood["item_brand"], hood["stock"], old["stock"]) == ("Acme", None, 0.0)
    (of_atom,) = items(tmp_path / "feed.xml", ATOM)
    assert (of_atom["item_id"], of_atom["item_name"], of_atom["price"]) == ("H-L", "Hood", 50.0)


def test_it_says_what_it_reads_and_leaves(tmp_path: Path) -> None:
    (known,) = opened(tmp_path / "feed.xml", RSS).recognized
    assert known.format == "google_merchant_xml"
    assert "price" in known.takes
    assert known.leaves == ("shipping",)


def test_a_document_type_is_refused_and_so_is_what_is_no_xml(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    attack = RSS.replace("<rss", bomb + "<rss").replace("Old", "&b;")
    with pytest.raises(InputError, match="has a document type"):
        opened(tmp_path / "feed.xml", attack)
    with pytest.raises(InputError, match="no whole XML file"):
        opened(tmp_path / "feed.xml", RSS[:-30])
    with pytest.raises(InputError, match="no whole XML file"):
        opened(tmp_path / "feed.xml", RSS.replace("Old", "&unknown;"))


def test_a_field_without_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    (item, _) = items(tmp_path / "feed.xml", RSS.replace("Hood", "x" * 200_000))
    assert len(item["item_name"]) <= MAX_CHARS


def test_other_xml_is_no_feed(tmp_path: Path) -> None:
    export = opened(tmp_path / "x.xml", "<rss><channel/></rss>")
    assert export.recognized == []
