"""What to do about failures of the machine, in a sentence: a full disk, a damaged database, a missing library."""

import errno
from pathlib import Path
from typing import Final

_NO_SPACE: Final = (
    "the disk is full. Nothing that was stored before is lost, and what was under way is not counted. Free some space "
    "(old bundles below SHOPKEEPER_HOME/bundles, the folder spill), then run the command again."
)
_OF_ERRNO: Final = {
    errno.ENOSPC: _NO_SPACE,
    errno.EDQUOT: _NO_SPACE,
    errno.EROFS: "{path} is on a disk that is mounted read-only. Remount it, or set SHOPKEEPER_HOME to another folder.",
    errno.EACCES: "{path} may not be read or written by this user. Change its owner, or set SHOPKEEPER_HOME.",
    errno.EPERM: "{path} may not be changed by this user. Change its owner, or set SHOPKEEPER_HOME.",
    errno.ENOTDIR: "{path} is below a file, not a folder. Set SHOPKEEPER_HOME to a folder.",
    errno.EMFILE: "too many files are open. Raise the limit (ulimit -n 4096), then run the command again.",
    errno.ENOMEM: "the memory is not enough. Lower SHOPKEEPER_MEMORY_MIB and SHOPKEEPER_THREADS, or close programs.",
}
# A part of the message of a library's error, in lower case -> what to do.
_OF_TEXT: Final = (
    ("no space left on device", _NO_SPACE),
    ("database or disk is full", _NO_SPACE),
    ("libgomp", "LightGBM needs the OpenMP library. On Debian and Ubuntu: apt-get install libgomp1."),
    ("out of memory", _OF_ERRNO[errno.ENOMEM]),
    (
        "database is locked",
        "another process writes to MLflow's database. Wait until its training has ended, then run this again.",
    ),
    *(
        (
            text,
            "a SQLite database below SHOPKEEPER_HOME is damaged: mlflow.db, events.sqlite or items.sqlite. Restore it "
            "from a backup. If it is mlflow.db, move it away: the next training starts a new one.",
        )
        for text in ("file is not a database", "database disk image is malformed", "notadberror", "corrupterror")
    ),
)


def explained(error: BaseException) -> str | None:
    """A sentence about a known failure; None for one that only a traceback can explain."""
    if isinstance(error, OSError) and error.errno in _OF_ERRNO:
        path = Path(error.filename) if isinstance(error.filename, str) else "the file"
        return _OF_ERRNO[error.errno].format(path=path)
    text = f"{type(error).__name__} {error}".lower()
    return next((advice for part, advice in _OF_TEXT if part in text), None)
