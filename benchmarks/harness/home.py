"""The folder in which a benchmark may do as it likes."""

import shutil
from pathlib import Path
from typing import Final

_MARKER: Final = ".benchmark"


def emptied(home: Path) -> Path:
    """The folder, empty and marked; ends the program where it holds something that is not a benchmark's."""
    home = home.resolve()
    if home.exists() and any(home.iterdir()) and not (home / _MARKER).exists():
        raise SystemExit(f"{home} is not empty and not a folder of a benchmark; name another with --home.")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / _MARKER).touch()
    return home
