"""Search every byte under a folder for texts; compressed tables are decoded."""

from pathlib import Path

import pyarrow.parquet as pq


def hits(home: Path, needles: list[str]) -> list[str]:
    """`file: needle` for everything that is found in the bytes of a file, or in its name."""
    found = []
    for path in sorted(path for path in home.rglob("*") if path.is_file()):
        content = path.read_bytes() + str(path.relative_to(home)).encode()
        if path.suffix == ".parquet":
            content += repr(pq.read_table(path).to_pylist()).encode()
        found += [f"{path.relative_to(home)}: {each}" for each in needles if each.encode() in content]
    return found
