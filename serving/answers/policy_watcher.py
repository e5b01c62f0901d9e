"""The merchant's policy file, followed: read again when it changes; a change that cannot be used changes nothing."""

import logging
from pathlib import Path
from typing import Final

from contracts.errors import SettingsError
from recsys.reranking.policy import Policy
from recsys.reranking.policy_file import read_policy

_log: Final = logging.getLogger("serving.policy")


class PolicyWatch:
    """The policy in force; raises SettingsError where the file that is there at first cannot be used."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stamp = _stamp(path)
        self._problem: str | None = None
        self.policy = Policy() if path is None else read_policy(path)

    @property
    def is_refused(self) -> bool:
        """Whether the file says something that cannot be used, so that the policy before counts."""
        return self._problem is not None

    def refresh(self) -> None:
        """Read the file again where it has changed. Never raises: a bad change is said once, loudly."""
        stamp = _stamp(self._path)
        if self._path is None or stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self.policy = read_policy(self._path)
        except SettingsError as error:
            self._problem = str(error)
            _log.error("the policy file cannot be used, the policy before it still counts: %s", error)
            return
        self._problem = None
        _log.warning("the policy file has changed and counts from now on")


def _stamp(path: Path | None) -> tuple[int, ...]:
    """Changes whenever the file does; empty where there is none."""
    try:
        status = path.stat() if path is not None else None
    except OSError:
        return ()
    return (status.st_mtime_ns, status.st_size, status.st_ino) if status is not None else ()
