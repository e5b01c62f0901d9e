"""Rules of the house that no linter holds: sizes, forbidden imports, what must never be committed."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("contracts", "recsys", "models", "pipelines", "serving", "shopkeeper", "benchmarks")
FORBIDDEN_IMPORTS = {"pickle", "cPickle", "joblib", "dill", "cloudpickle", "shelve", "marshal"}
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def imported_modules(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def long_functions(tree: ast.AST) -> list[str]:
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [f.name for f in functions if (f.end_lineno or 0) - f.lineno + 1 > MAX_FUNCTION_LINES + _docstring_lines(f)]


def _docstring_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return len((ast.get_docstring(function, clean=False) or "").splitlines())


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_small_and_imports_nothing_that_executes(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert len(text.splitlines()) <= MAX_FILE_LINES
    assert not long_functions(tree)
    assert not FORBIDDEN_IMPORTS & set(imported_modules(tree))
    assert "allow_pickle=True" not in text


def test_the_rules_above_can_fail() -> None:
    body = "\n".join(f"    x = {n}" for n in range(80))
    assert long_functions(ast.parse(f"def long():\n{body}\n")) == ["long"]
    assert FORBIDDEN_IMPORTS & set(imported_modules(ast.parse("from pickle import loads")))


def test_no_lock_file_names_a_registry() -> None:
    locks = sorted(ROOT.glob("requirements*"))
    assert locks
    assert not [lock.name for lock in locks if re.search(r"https?://|--index-url", lock.read_text())]


def test_every_dependency_is_locked_with_a_hash() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lock = (ROOT / "requirements.lock").read_text()
    names = [re.match(r"[a-z0-9-]+", dependency, re.IGNORECASE) for dependency in project["dependencies"]]
    assert not [n.group() for n in names if n and not re.search(rf"^{n.group()}==", lock, re.MULTILINE)]
    assert all("--hash=sha256:" in block for block in re.split(r"\n(?=[a-z0-9])", lock) if "==" in block)


PLANTED_IMPORTS = {
    "models, indirectly": {"serving/app": "import recsys.shortcut", "recsys/shortcut": "import models"},
    "a web framework in the reader of bundles": {"serving/answers/kpis": "import fastapi"},
    "HTTP in the reader of bundles, indirectly": {
        "serving/answers/kpis": "import serving.shortcut",
        "serving/shortcut": "import serving.http",
    },
    "a web framework in the recommender": {"recsys/recommender": "import fastapi"},
    "a route in the command line": {"shopkeeper/items": "import serving.routes"},
}


@pytest.fixture
def empty_packages(tmp_path: Path) -> Path:
    """Every module that an import rule names, empty."""
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    names = {*linter["root_packages"]}
    for rule in linter["contracts"]:
        for line in [*rule.get("layers", []), *rule.get("source_modules", []), *rule.get("forbidden_modules", [])]:
            names.update(name.strip(" ()") for name in re.split("[|:]", line))
    for name in names:
        if name.partition(".")[0] in linter["root_packages"]:
            for depth in range(name.count(".") + 1):
                folder = tmp_path.joinpath(*name.split(".")[: depth + 1])
                folder.mkdir(exist_ok=True)
                (folder / "__init__.py").touch()
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    return tmp_path


def _lint_imports(folder: Path) -> int:
    command = ["lint-imports", "--no-cache"]
    return subprocess.run(command, cwd=folder, env=_environment(folder), capture_output=True, check=False).returncode


def test_empty_packages_keep_the_import_rules(empty_packages: Path) -> None:
    assert _lint_imports(empty_packages) == 0


@pytest.mark.parametrize("planted", PLANTED_IMPORTS)
def test_the_import_rules_can_fail(empty_packages: Path, planted: str) -> None:
    for module, line in PLANTED_IMPORTS[planted].items():
        path = empty_packages / f"{module}.py"
        if path.with_suffix("").is_dir():
            path = path.with_suffix("") / "__init__.py"
        path.write_text(f"{line}\n")
    assert _lint_imports(empty_packages) != 0


def _environment(folder: Path) -> dict[str, str]:
    binaries = Path(sys.executable).parent
    return os.environ | {"PYTHONPATH": str(folder), "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"}
