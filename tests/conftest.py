"""What every test stands on: no settings from outside, and no deadline that a busy machine could miss."""

import os

import pytest
from hypothesis import settings

# pytest-xdist hands its terminal's width to the workers, and a console keeps the width with which it was made.
os.environ.pop("COLUMNS", None)
settings.register_profile("shopkeeper", deadline=None, derandomize=True)
settings.load_profile("shopkeeper")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SHOPKEEPER_")]:
        monkeypatch.delenv(name)
