import json
import os
from hashlib import sha256
from pathlib import Path

import pytest

from contracts.errors import InputError, SettingsError
from contracts.settings import Settings
from serving.app import create_app
from serving.security.api_keys import (
    ADMIN,
    EVENTS_SERVER,
    EVENTS_WRITE,
    SCOPES,
    UNSAFE_KEYS,
    KeyRing,
    create_key,
    read_keys,
    revoke_key,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def test_a_created_key_is_recognised_and_nothing_like_it(path: Path) -> None:
    created, key = create_key(path, "web", [EVENTS_WRITE])
    ring = KeyRing(path)
    assert ring.authenticate(key) == created
    for other in (key[:-1], key + "x", key.upper(), "", f"sk_{created.id}_" + "a" * 43, "sk__", "é" * 60):
        assert ring.authenticate(other) is None


def test_the_file_holds_no_key_and_is_the_owners_alone(path: Path) -> None:
    created, key = create_key(path, "web", [EVENTS_WRITE])
    assert key.removeprefix(f"sk_{created.id}_") not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["keys.json"]


def test_a_revoked_key_is_refused_by_the_very_next_request(path: Path) -> None:
    created, key = create_key(path, "web", [EVENTS_WRITE])
    _, other = create_key(path, "other", [ADMIN])
    ring = KeyRing(path)
    assert ring.authenticate(key) is not None
    revoke_key(path, created.id)
    assert ring.authenticate(key) is None
    assert ring.authenticate(other) is not None
    assert read_keys(path)[0].revoked_at is not None


def test_admin_allows_everything_and_others_only_their_scope(path: Path) -> None:
    admin, _ = create_key(path, "admin", [ADMIN])
    sender, _ = create_key(path, "web", [EVENTS_WRITE])
    assert admin.allows("customers:read")
    assert sender.allows(EVENTS_WRITE)
    assert not sender.allows("customers:read")


def test_only_a_server_key_and_the_operators_are_trusted(path: Path) -> None:
    scopes = {name: create_key(path, name.replace(":", "-"), [name])[0] for name in SCOPES}
    assert {name for name, key in scopes.items() if key.is_trusted} == {EVENTS_SERVER, ADMIN}
    assert scopes[EVENTS_SERVER].allows(EVENTS_WRITE)
    assert not scopes[EVENTS_WRITE].allows(EVENTS_SERVER)


@pytest.mark.parametrize(("name", "scopes"), [("web", []), ("web", ["everything"]), ("", [ADMIN]), ("a b", [ADMIN])])
def test_a_key_needs_a_plain_name_and_known_scopes(path: Path, name: str, scopes: list[str]) -> None:
    with pytest.raises(InputError, match="allowed"):
        create_key(path, name, scopes)


def test_names_of_active_keys_are_unique(path: Path) -> None:
    create_key(path, "web", [ADMIN])
    with pytest.raises(InputError, match="exists"):
        create_key(path, "web", [ADMIN])
    revoke_key(path, "web")
    create_key(path, "web", [ADMIN])
    with pytest.raises(InputError, match="no active key"):
        revoke_key(path, "nobody")


def test_the_service_refuses_to_start_without_a_key(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with pytest.raises(SettingsError, match="keys create"):
        create_app(settings)
    create_key(settings.keys_path, "web", [ADMIN])
    create_app(settings)
    revoke_key(settings.keys_path, "web")
    with pytest.raises(SettingsError, match="no active API key"):
        create_app(settings)


@pytest.mark.parametrize("key", ["changeme", "", UNSAFE_KEYS[0]])
def test_the_service_refuses_to_start_with_a_key_that_anybody_knows(path: Path, key: str) -> None:
    create_key(path, "web", [ADMIN])
    content = json.loads(path.read_text())
    content["keys"][0]["sha256"] = sha256(key.encode()).hexdigest()
    path.write_text(json.dumps(content))
    with pytest.raises(SettingsError, match="anybody knows"):
        KeyRing(path).require_safe()


def test_a_short_key_is_never_accepted_even_where_its_hash_is_in_the_file(path: Path) -> None:
    created, _ = create_key(path, "web", [ADMIN])
    content = json.loads(path.read_text())
    short = f"sk_{created.id}_short"
    content["keys"][0]["sha256"] = sha256(short.encode()).hexdigest()
    path.write_text(json.dumps(content))
    assert KeyRing(path).authenticate(short) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format_version": 2, "keys": []}', '{"format_version": 1, "keys": [{}]}']
)
def test_a_damaged_file_admits_nobody(path: Path, text: str) -> None:
    _, key = create_key(path, "web", [ADMIN])
    ring = KeyRing(path)
    assert ring.authenticate(key)
    path.write_text(text)
    with pytest.raises(SettingsError, match="Restore it"):
        ring.authenticate(key)


def test_a_file_that_others_can_read_is_refused(path: Path) -> None:
    _, key = create_key(path, "web", [ADMIN])
    os.chmod(path, 0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        KeyRing(path).authenticate(key)
