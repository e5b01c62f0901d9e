"""Every test starts without settings from outside and without deadlines; the longest modules run first."""

import os
import sys
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

# pytest-xdist hands its terminal's width to the workers, and a console keeps the width with which it was made.
os.environ.pop("COLUMNS", None)
# Without stored bytecode, each worker and each process that a test starts compiles all libraries: 15 seconds.
if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
    sys.pycache_prefix = str(Path(__file__).parents[1] / ".pytest_cache" / "bytecode")
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix
    sys.dont_write_bytecode = False

import shopkeeper.display.console  # noqa: F401  # made now, before a test sets the width of one call

settings.register_profile("shopkeeper", deadline=None, derandomize=True)
settings.load_profile("shopkeeper")

# Modules of more than 15 seconds, the longest first. One that starts last leaves the other cores without work.
LONGEST: Final = (
    "test_whole_way.py",
    "pipelines/training/test_kept_family.py",
    "pipelines/campaigns/test_campaign_whole_way.py",
    "shopkeeper/commands/demo/test_training.py",
    "benchmarks/demand/test_main.py",
    "pipelines/families/test_churn.py",
    "pipelines/families/test_label_invariances.py",
    "clients/test_sdks.py",
)


def pytest_configure(config: pytest.Config) -> None:
    config.option.loadscopereorder = False  # pytest-xdist would start the modules of the most tests first


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    first = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: first.get(item.path, len(first)))


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SHOPKEEPER_")]:
        monkeypatch.delenv(name)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their argument: gzip writes the time into them, and two workers would collect different tests."""
    return argname if isinstance(val, bytes) else None
