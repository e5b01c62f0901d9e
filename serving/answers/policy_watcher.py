"""Follows the merchant's policy file: reads it again when it changes, and ignores a change that is not valid."""

import logging
from pathlib import Path
from typing import Final

from contracts.errors import SettingsError
from recsys.reranking.policy import Policy
from recsys.reranking.policy_file import read_policy

_log: Final = logging.getLogger("serving.policy")


class PolicyWatcher:
    """Holds the policy in force; raises SettingsError if the file is not valid at the start."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stamp = _stamp(path)
        self._problem: str | None = None
        self.policy = Policy() if path is None else read_policy(path)

    @property
    def is_refused(self) -> bool:
        """Whether the file is not valid now, so that the previous policy is in force."""
        return self._problem is not None

    def refresh(self) -> None:
        """Read the file again if it has changed. Never raises: a bad change is logged once, as an error."""
        stamp = _stamp(self._path)
        if self._path is None or stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self.policy = read_policy(self._path)
        except SettingsError as error:
            self._problem = str(error)
            _log.error("the policy file cannot be used, the previous policy stays in force: %s", error)
            return
        self._problem = None
        _log.warning("the policy file has changed; the new policy is in force")


def _stamp(path: Path | None) -> tuple[int, ...]:
    """A value that changes when the file does; empty if there is none."""
    try:
        status = path.stat() if path is not None else None
    except OSError:
        return ()
    return (status.st_mtime_ns, status.st_size, status.st_ino) if status is not None else ()
