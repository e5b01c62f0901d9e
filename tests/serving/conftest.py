"""A small shop with a real bundle, a real event log and the service on a real socket."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from contracts.settings import Settings
from serving.security.api_keys import create_key
from tests.serving.running import running
from tests.serving.shop import publish_shop

SCOPES = {
    "events": ["events:write"],
    "server": ["events:server"],
    "storefront": ["recommendations:read"],
    "backoffice": ["customers:read"],
    "catalogue": ["items:write"],
    "admin": ["admin"],
}


@dataclass(frozen=True)
class Shop:
    """A running service and a client for each kind of key."""

    settings: Settings
    url: str
    keys: dict[str, str]

    def client(self, key: str | None = "admin", **more: object) -> httpx.Client:
        # Without `verify=False` every client loads certificates, which takes longer than a request.
        headers = {"Authorization": f"Bearer {self.keys[key]}"} if key else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=120, **more, verify=False)


def shop_settings(home: Path) -> tuple[Settings, dict[str, str]]:
    """Settings under `home` with one key per kind of user."""
    settings = Settings(home=home)
    return settings, {name: create_key(settings.keys_path, name, scopes)[1] for name, scopes in SCOPES.items()}


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The service with a bundle; shared, so that tests only read, or send events of their own."""
    settings, keys = shop_settings(tmp_path_factory.mktemp("shop"))
    publish_shop(settings, "v1")
    with running(settings) as url:
        yield Shop(settings, url, keys)


@pytest.fixture
def empty_shop(tmp_path: Path) -> Iterator[Shop]:
    """The service with nothing published."""
    settings, keys = shop_settings(tmp_path)
    with running(settings) as url:
        yield Shop(settings, url, keys)


@pytest.fixture(scope="session")
def api(shop: Shop) -> Iterator[httpx.Client]:
    with shop.client() as client:
        yield client
