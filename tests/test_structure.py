"""The structure's rules: small folders of concepts, names without repeats, no retired words, a test per module.

Each rule is a function from paths or source to what breaks it, so that its control can plant a breach.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[1]
PACKAGES = ("contracts", "recsys", "models", "pipelines", "serving", "shopkeeper", "benchmarks")
MIRRORED = PACKAGES[:-1]  # a benchmark is tested where it computes something
MAX_ENTRIES = 15


def modules() -> list[str]:
    """Every module of the packages, as a POSIX path from the root, without the `__init__.py`."""
    found = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    return [path.relative_to(ROOT).as_posix() for path in found if path.name != "__init__.py"]


def crowded_folders(paths: Iterable[str]) -> list[str]:
    """Folders with more than MAX_ENTRIES files and folders in them."""
    entries = {
        (parent.as_posix(), child.as_posix())
        for path in map(PurePosixPath, paths)
        for child, parent in zip((path, *path.parents), path.parents, strict=False)
    }
    sizes = Counter(parent for parent, _ in entries if parent != ".")
    return sorted(folder for folder, size in sizes.items() if size > MAX_ENTRIES)


def shared_prefixes(paths: Iterable[str]) -> list[str]:
    """`folder/prefix_*` where two files of a folder start with the same word: a folder is missing there."""
    words = Counter(
        f"{path.parent.as_posix()}/{path.stem.split('_')[0]}_*"
        for path in map(PurePosixPath, paths)
        if "_" in path.stem
    )
    return sorted(word for word, count in words.items() if count > 1 and "/__" not in f"/{word.rsplit('/', 1)[-1]}")


def repeated_names(paths: Iterable[str]) -> list[str]:
    """Files whose name repeats the folder's: demand/demand_forecast.py. The folder's main module may have its name."""
    return [
        path
        for path in paths
        for pure in [PurePosixPath(path)]
        if pure.stem != pure.parent.name and re.search(rf"(^|_){re.escape(pure.parent.name)}(_|$)", pure.stem)
    ]


def identifiers(source: str) -> set[str]:
    """Every name that the source defines or uses."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        for field in ("name", "id", "attr", "arg", "asname"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                found.add(value)
    return found


def retired_words(glossary: str) -> list[str]:
    """The first column of the glossary's table of retired words."""
    _, _, table = glossary.partition("## Retired words")
    rows = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("|")]
    return [word for row in rows[2:] for word in re.findall(r"[A-Za-z_]\w*", row)]


def has_behaviour(source: str) -> bool:
    """Whether the module defines a function or a method."""
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(ast.parse(source)))


def mirrored_test(path: str) -> str:
    """The path of a module's test."""
    pure = PurePosixPath(path)
    name = "main" if pure.stem == "__main__" else pure.stem
    return (PurePosixPath("tests") / pure.parent / f"test_{name}.py").as_posix()


def private_imports(source: str) -> Iterator[str]:
    """Names with a leading underscore that are imported from a module of ours."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PACKAGES:
            yield from (alias.name for alias in node.names if re.match(r"_[^_]", alias.name))


def test_a_folder_has_at_most_fifteen_entries() -> None:
    assert crowded_folders(modules()) == []
    assert crowded_folders([f"models/m{number}.py" for number in range(16)]) == ["models"]
    assert crowded_folders([f"models/m{number}/a.py" for number in range(16)]) == ["models"]
    assert crowded_folders([f"models/m{number}.py" for number in range(15)]) == []


def test_no_two_files_of_a_folder_share_a_prefix() -> None:
    assert shared_prefixes(modules()) == []
    assert shared_prefixes(["models/demand_class.py", "models/demand_rows.py", "models/rfm.py"]) == ["models/demand_*"]
    assert shared_prefixes(["models/demand_class.py", "recsys/demand_rows.py"]) == []


def test_a_file_does_not_repeat_its_folder() -> None:
    assert repeated_names(modules()) == []
    assert repeated_names(["models/demand/demand_class.py"]) == ["models/demand/demand_class.py"]
    assert repeated_names(["pipelines/ingest/ingest.py", "models/demand/forecast.py"]) == []


def test_no_retired_word_is_an_identifier() -> None:
    retired = set(retired_words((ROOT / "docs" / "glossary.md").read_text()))
    assert retired
    found = {path: sorted(retired & identifiers((ROOT / path).read_text())) for path in modules()}
    assert {path: words for path, words in found.items() if words} == {}


def test_retired_words_can_be_found() -> None:
    table = "## Retired words\n\n| retired | use |\n|---|---|\n| `board`, `slot_of` | candidate pool |\n"
    assert retired_words(table) == ["board", "slot_of"]
    assert {"board", "slot_of", "rows"} <= identifiers("def board(rows): return self.slot_of(rows)")


def test_every_module_with_behaviour_has_its_test() -> None:
    checked = [path for path in modules() if path.startswith(MIRRORED) and has_behaviour((ROOT / path).read_text())]
    assert checked
    assert [path for path in checked if not (ROOT / mirrored_test(path)).is_file()] == []


def test_a_module_without_a_test_would_be_found() -> None:
    assert mirrored_test("models/demand/panel.py") == "tests/models/demand/test_panel.py"
    assert mirrored_test("shopkeeper/__main__.py") == "tests/shopkeeper/test_main.py"
    assert has_behaviour("class A:\n    def b(self): pass")
    assert not has_behaviour("A = 1")


def test_no_test_imports_a_private_name() -> None:
    tests = sorted((ROOT / "tests").rglob("*.py"))
    found = {path.relative_to(ROOT).as_posix(): list(private_imports(path.read_text())) for path in tests}
    assert {path: names for path, names in found.items() if names} == {}


def test_a_private_import_would_be_found() -> None:
    assert list(private_imports("from models.demand.panel import _digest, Panel")) == ["_digest"]
    assert list(private_imports("from benchmarks.demand import __main__ as command")) == []
