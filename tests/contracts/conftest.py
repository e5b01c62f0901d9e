from pathlib import Path

import pytest

from contracts.bundle_store import FileBundleStore


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "bundles"


@pytest.fixture
def store(root: Path) -> FileBundleStore:
    return FileBundleStore(root)
