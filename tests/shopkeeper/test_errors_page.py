"""Each message in docs/errors.md is in the source, so that who searches for it finds it."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("contracts", "models", "pipelines", "recsys", "serving", "shopkeeper")


def fragments(page: str) -> list[str]:
    """The words of the messages between what a message fills in: numbers, quoted values and dots."""
    messages = re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)
    parts = [part for message in messages for part in re.split(r"\.\.\.|'[^']*'|\d+(?:\.\d+)*|[:;×]|CSV", message)]
    return [words for part in parts if len((words := only_words(part)).split()) > 2]


def only_words(text: str) -> str:
    return " ".join(re.sub(r"[^A-Za-z_]+", " ", text).split())


def test_the_messages_of_the_page_are_those_of_the_program() -> None:
    found = fragments((ROOT / "docs" / "errors.md").read_text())
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    source = "\n".join(path.read_text() for path in paths)
    source = re.sub(r'"\s*\n\s*f?"', "", source)  # texts that go on on the next line
    source = only_words(re.sub(r"\{[^{}]*\}", " ", source) + (ROOT / "Makefile").read_text())
    assert len(found) > 20
    assert [part for part in found if part not in source] == []
