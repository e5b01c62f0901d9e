"""Replace files atomically: after a crash or a power cut they have the old content or the new one."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

READABLE: Final = 0o644
PRIVATE: Final = 0o600  # for its owner only
PRIVATE_FOLDER: Final = 0o700


def replace_file(path: Path, content: bytes | Iterable[bytes], mode: int = READABLE) -> None:
    """Write a temporary file beside `path`, sync it, rename it and sync the folder. `mode` is set before the rename."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # private until it is renamed
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines([content] if isinstance(content, bytes) else content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def make_private(folder: Path) -> None:
    """Make the folder, and let only its owner into it."""
    folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    folder.chmod(PRIVATE_FOLDER)


def sync(path: Path) -> None:
    """Make a file's content, or a folder's names, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
