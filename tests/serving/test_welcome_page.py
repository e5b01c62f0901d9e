"""The welcome page in a real browser: it fills itself with real answers, and with nothing from elsewhere."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.serving.conftest import Shop

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
LOADS_FROM_ELSEWHERE = re.compile(r"""(src|href|url|import|fetch)\s*[=(]?\s*["']?(https?:)?//""")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=10000",
)

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; `apt-get install chromium`")


def dom(url: str, profile: Path) -> str:
    """The page's elements after its script has run."""
    assert CHROMIUM is not None
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "--dump-dom", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


@needs_chromium
def test_with_a_key_the_page_shows_real_answers_and_hides_the_key(shop: Shop, tmp_path: Path) -> None:
    page = dom(f"{shop.url}/#key={shop.keys['admin']}", tmp_path)
    assert "Name of" in page  # an item's name stands in an answer only
    assert "customer" in page
    assert "<svg" in page
    assert shop.keys["admin"] not in page


@needs_chromium
def test_with_a_wrong_key_it_shows_the_problem_and_no_answer(shop: Shop, tmp_path: Path) -> None:
    page = dom(f"{shop.url}/#key=sk_wrong", tmp_path)
    assert "Name of" not in page
    assert "key" in page


def test_nothing_is_loaded_from_elsewhere() -> None:
    static = Path(__file__).parents[2] / "serving" / "static"
    files = [path for path in static.iterdir() if path.suffix in {".html", ".css", ".js"}]
    assert files
    elsewhere = [line for path in files for line in path.read_text().splitlines() if LOADS_FROM_ELSEWHERE.search(line)]
    assert not elsewhere
    assert LOADS_FROM_ELSEWHERE.search('<script src="https://cdn.example/x.js">')
