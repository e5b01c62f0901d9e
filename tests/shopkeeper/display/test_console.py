"""Results are JSON or wrapped text on standard output."""

import json
from datetime import UTC, datetime

import pytest

from shopkeeper.display.console import console, print_json, print_paragraph


def test_json_goes_to_standard_output_and_times_become_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"at": datetime(2026, 1, 1, tzinfo=UTC)})
    assert json.loads(capsys.readouterr().out) == {"at": "2026-01-01 00:00:00+00:00"}


def test_a_paragraph_is_wrapped_between_words_and_leaves_paths_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "width", 30)
    print_paragraph("  - it lies in /srv/a-very-long-path/of-a-shop/var/home today", indent=4)
    assert capsys.readouterr().out == "  - it lies in\n    /srv/a-very-long-path/of-a-shop/var/home\n    today\n"
