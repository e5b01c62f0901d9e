"""Every table of figures in the documentation stands in a section that names its command and its date."""

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEADING = re.compile(r"^#+ ", re.MULTILINE)
NUMBER = re.compile(r"^[\W_]*\d*\.?\d+[^a-z]*$")
COMMAND = re.compile(r"python -m (benchmarks[.\w]*)")
DATE = re.compile(r"\b20\d\d-\d\d-\d\d\b")
FIGURES = 4  # a table with fewer numbers is no measurement


def sections(text: str) -> Iterator[str]:
    """Each heading with what follows it up to the next one; comments in code blocks are no headings."""
    text = re.sub(r"```.*?```", lambda block: block[0].replace("\n#", "\n "), text, flags=re.DOTALL)
    starts = [match.start() for match in HEADING.finditer(text)]
    yield from (text[start:stop] for start, stop in zip(starts, [*starts[1:], len(text)], strict=True))


def figures(section: str) -> int:
    """How many cells of its tables are numbers; columns of figures are aligned to the right, settings are not."""
    tables = [table for table in re.findall(r"(?:^\|.*\n?)+", section, flags=re.MULTILINE) if "---:" in table]
    rows = [line.strip("|").split("|")[1:] for table in tables for line in table.splitlines()]
    return sum(bool(NUMBER.match(cell.strip().strip("*"))) for row in rows for cell in row)


def problems(section: str) -> list[str]:
    """What a section with figures lacks."""
    if figures(section) < FIGURES:
        return []
    commands = COMMAND.findall(section)
    missing = [name for name in commands if importlib.util.find_spec(name) is None]
    found = [f"{name} cannot be run" for name in missing]
    found += [] if commands else ["it names no command `python -m benchmarks…`"]
    return found + ([] if DATE.search(section) else ["it does not say when it was measured (2026-12-01)"])


@pytest.mark.parametrize("page", sorted(path.name for path in (ROOT / "docs").glob("*.md")))
def test_tables_of_figures_name_their_command_and_their_date(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    found = [f"{section.splitlines()[0]}: {problem}" for section in sections(text) for problem in problems(section)]
    assert not found, found


TABLE = "| | AUC | Brier |\n|---|---:|---:|\n| ours | **.75** | .19 |\n| other | .7 | −8.1 % |\n"


def test_a_table_without_command_or_date_is_found() -> None:
    assert problems("# A\n" + TABLE) == [
        "it names no command `python -m benchmarks…`",
        "it does not say when it was measured (2026-12-01)",
    ]
    assert problems("# A\n`python -m benchmarks.churn DIR`, 2026-12-01\n" + TABLE) == []
    assert problems("# A\n`python -m benchmarks.gone`, 2026-12-01\n" + TABLE) == ["benchmarks.gone cannot be run"]
    assert problems("# A\n" + TABLE.replace("---:", "---")) == []
