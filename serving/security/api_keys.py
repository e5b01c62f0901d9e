"""API keys: created once, kept as hashes, compared in constant time, revoked within a second.

A key reads `sk_<id>_<secret>`. The file of keys holds ids, names, scopes and the SHA-256 of each key, never a key; the
secret has 256 random bits, so that a plain hash is enough. Whoever reads the file cannot call the service.
"""

import hmac
import json
import re
import secrets
import stat
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from contracts.errors import InputError, SettingsError
from contracts.files.atomic import PRIVATE, replace_file

EVENTS_WRITE: Final = "events:write"
EVENTS_SERVER: Final = "events:server"
ITEMS_WRITE: Final = "items:write"
RECOMMENDATIONS_READ: Final = "recommendations:read"
CUSTOMERS_READ: Final = "customers:read"
ADMIN: Final = "admin"
SCOPES: Final = {
    EVENTS_WRITE: "send events, also from a web page, where anybody can read the key; reads nothing",
    EVENTS_SERVER: "send events that are trusted: for the shop's own server, never a web page; reads nothing",
    ITEMS_WRITE: "add items, update prices and stock: for the shop's own server, never a web page",
    RECOMMENDATIONS_READ: "recommendations and similar items: what a storefront shows",
    CUSTOMERS_READ: "the tables of customers and items, and forecasts: what the back office reads",
    ADMIN: "everything, and the service's own metrics",
}
# Never valid, even if their hashes are written into the file by hand.
UNSAFE_KEYS: Final = (
    "sk_0123456789abcdef_replace-this-example-with-your-own-key-0000",
    *("", "admin", "api_key", "apikey", "change-me", "changeme", "default", "demo", "example", "key", "password"),
    *("password1234", "secret", "shopkeeper", "test", "write_key", "writekey", "YOUR_WRITE_KEY", "WRITEKEY"),
)

_FORMAT_VERSION: Final = 1
_KEY: Final = re.compile(r"sk_([0-9a-f]{16})_[0-9A-Za-z_-]{43,100}")
_ID: Final = re.compile(r"[0-9a-f]{16}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_NAME: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")
_SECRET_BYTES: Final = 32
_NO_HASH: Final = "0" * 64


@dataclass(frozen=True)
class ApiKey:
    """What is stored of a key."""

    id: str
    name: str
    scopes: tuple[str, ...]
    sha256: str
    created_at: str  # ISO 8601, UTC
    revoked_at: str | None = None

    def allows(self, scope: str) -> bool:
        return scope in self.scopes or ADMIN in self.scopes or (scope == EVENTS_WRITE and self.is_trusted)

    @property
    def is_trusted(self) -> bool:
        """Whether its events win over those of page keys under the same message id."""
        return EVENTS_SERVER in self.scopes or ADMIN in self.scopes


class KeyRing:
    """The keys in force; a change of the file is seen by the next request."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, ...] = ()
        self._active: dict[str, ApiKey] = {}

    def authenticate(self, key: str) -> ApiKey | None:
        """The active key that `key` is, or None; raises SettingsError where the file has become unusable."""
        self.reload()
        match = _KEY.fullmatch(key)
        found = self._active.get(match[1]) if match else None
        # An unknown id costs the same comparison as a wrong secret.
        is_right = hmac.compare_digest(_digest(key), found.sha256 if found else _NO_HASH)
        return found if is_right else None

    def reload(self) -> None:
        """Read the file again where it has changed."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            raise SettingsError(f"there is no file of API keys at {self._path}. {_HOW_TO_CREATE}") from None
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino, status.st_mode)
        if stamp != self._stamp:
            keys = read_keys(self._path)
            self._active = {key.id: key for key in keys if key.revoked_at is None}
            self._stamp = stamp

    def require_safe(self) -> None:
        """Refuse to go on without a usable key; raises SettingsError."""
        self.reload()
        if not self._active:
            raise SettingsError(f"{self._path} holds no active API key. {_HOW_TO_CREATE}")


def create_key(path: Path, name: str, scopes: list[str]) -> tuple[ApiKey, str]:
    """Add a key to the file; returns what is kept of it, and the key itself, which is shown this once."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise InputError(f"scopes are {', '.join(unknown) or 'missing'}; allowed are {', '.join(SCOPES)}.")
    if not _NAME.fullmatch(name):
        raise InputError(f"the name is {name[:80]!r}; 1 to 64 letters, digits, '.', '_' and '-' are allowed.")
    keys = read_keys(path) if path.exists() else []
    if any(key.name == name and key.revoked_at is None for key in keys):
        raise InputError(f"an active key named {name!r} exists. Choose another name, or revoke it first.")
    key_id = secrets.token_hex(8)
    key = f"sk_{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    created = ApiKey(key_id, name, tuple(dict.fromkeys(scopes)), _digest(key), _now())
    _write_keys(path, [*keys, created])
    return created, key


def revoke_key(path: Path, key_id: str) -> ApiKey:
    """Revoke the key with this id or, where only one active key bears it, this name."""
    keys = read_keys(path) if path.exists() else []
    found = [key for key in keys if key_id in {key.id, key.name} and key.revoked_at is None]
    if len(found) != 1:
        known = ", ".join(f"{key.id} ({key.name})" for key in keys if key.revoked_at is None) or "none"
        raise InputError(f"no active key has the id or name {key_id[:80]!r}; active are {known}.")
    revoked = replace(found[0], revoked_at=_now())
    _write_keys(path, [revoked if key.id == revoked.id else key for key in keys])
    return revoked


def read_keys(path: Path) -> list[ApiKey]:
    """Every key of the file, revoked ones too; raises SettingsError where the file is damaged or unsafe."""
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise SettingsError(f"{path} can be read or changed by other users. Run `chmod 600 {path}`.")
    try:
        content = json.loads(path.read_bytes())
        if content["format_version"] != _FORMAT_VERSION:
            raise ValueError(f"format_version is {content['format_version']!r}, {_FORMAT_VERSION} is read")
        return [_checked(entry) for entry in content["keys"]]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise SettingsError(f"{path} is not a file of API keys: {error}. Restore it, or create keys anew.") from None


_HOW_TO_CREATE: Final = "Run `shopkeeper keys create --name storefront --scope recommendations:read` first."


def _checked(entry: dict[str, Any]) -> ApiKey:
    key = ApiKey(**{**entry, "scopes": tuple(entry["scopes"])})
    if not _ID.fullmatch(key.id) or not _SHA256.fullmatch(key.sha256) or set(key.scopes) - set(SCOPES):
        raise ValueError(f"the key {key.name!r} has a malformed id, hash or scope")
    if key.sha256 in _UNSAFE_HASHES:
        raise ValueError(f"the key {key.name!r} is an example or a default that anybody knows; revoke it by hand")
    return key


def _digest(key: str) -> str:
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


_UNSAFE_HASHES: Final = frozenset(_digest(key) for key in UNSAFE_KEYS)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _write_keys(path: Path, keys: list[ApiKey]) -> None:
    """Replace the file in one step; it is never readable by others, not even for an instant."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"format_version": _FORMAT_VERSION, "keys": [asdict(key) for key in keys]}
    replace_file(path, json.dumps(content, indent=2).encode(), PRIVATE)
