"""Bundles that hold some tables and nothing else, published without training anything."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from contracts.bundle import FORMAT_VERSION, Manifest, hash_files, write_table
from contracts.bundle_store import open_bundle_store
from contracts.settings import load_settings

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def bare_manifest(draft: Path, version: str = "v1") -> Manifest:
    """The manifest of what lies in the draft, without a family."""
    return Manifest(
        format_version=FORMAT_VERSION,
        version=version,
        created_at=MOMENT,
        window_start=MOMENT,
        window_end=MOMENT,
        consent_cut=MOMENT,
        families={},
        files=hash_files(draft),
        replays={},
        settings={},
    )


def publish_tables(home: Path, tables: Mapping[str, pa.Table]) -> None:
    """Publish a bundle of these tables, by their paths in it, as version v1 of the home's store."""
    store = open_bundle_store(load_settings(home=home).bundles_url)
    with store.draft() as draft:
        for path, table in tables.items():
            write_table(draft / path, table)
        store.publish(draft, bare_manifest(draft))
