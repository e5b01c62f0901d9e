from pathlib import Path

import pytest

from contracts.bundle_store import FileBundleStore


@pytest.fixture
def store(tmp_path: Path) -> FileBundleStore:
    return FileBundleStore(tmp_path / "bundles")
