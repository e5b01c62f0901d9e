"""The exceptions that Shopkeeper raises on purpose.

    ShopkeeperError
    ├── SettingsError        a setting, key or configuration file is wrong
    ├── InputError           a file, mapping or option that was given cannot be used
    │   ├── InvalidEvent     one event breaks the event format; carries a short machine-readable code
    │   └── InvalidFields    fields of a request or a file are wrong; carries the path and problem of each
    ├── NotEnoughData        the store has too little data to train a family; says how much is needed
    └── StorageError         something kept on disk is missing, damaged or refused
        ├── EventLogError    the event log cannot promise durability
        ├── NoBundle         nothing has been published yet
        └── BundleRefused    a bundle is damaged, incomplete or of an unknown format

Every message says what was given, what is allowed and what to do.
"""

from collections.abc import Sequence
from typing import NamedTuple


class ShopkeeperError(Exception):
    """Base of every error that Shopkeeper raises on purpose."""


class SettingsError(ShopkeeperError):
    """A setting, key or configuration file is wrong."""


class InputError(ShopkeeperError):
    """A file, mapping or option that was given cannot be used."""


class InvalidEvent(InputError):
    """One event breaks the event format.

    `code` is stable and short (``unknown_event``); the message is for a person.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class FieldProblem(NamedTuple):
    """What is wrong with one field; `path` starts at the outermost field, and is empty for the whole."""

    path: tuple[str, ...]
    message: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (".".join(self.path), self.message)))


class InvalidFields(InputError):
    """Fields of a request or a file are wrong."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__("; ".join(map(str, problems)) + ".")
        self.problems = tuple(problems)


class NotEnoughData(ShopkeeperError):
    """The store has too little data to train a family."""


class StorageError(ShopkeeperError):
    """Something kept on disk is missing, damaged or refused."""


class EventLogError(StorageError):
    """The event log cannot promise that an accepted event survives."""


class NoBundle(StorageError):
    """Nothing has been published yet."""


class BundleRefused(StorageError):
    """A bundle is damaged, incomplete or of an unknown format."""
