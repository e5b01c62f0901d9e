import re
import time
from pathlib import Path

import httpx
import pytest
from fastapi.routing import APIRoute

from contracts.errors import SettingsError
from contracts.settings import Settings
from serving.app import ROUTERS, create_app
from serving.routes.operations import STATIC
from serving.security.api_keys import ADMIN, SCOPES, create_key
from tests.serving.conftest import Shop
from tests.serving.running import running
from tests.serving.shop import publish_shop


def app_paths() -> list[str]:
    routes = [route for router in ROUTERS for route in router.routes]
    return [route.path_format for route in routes if isinstance(route, APIRoute) and route.include_in_schema]


def test_every_route_is_in_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs/api.md").read_text()
    paths = [*app_paths(), "/openapi.json"]
    assert [path for path in paths if path not in text] == []
    assert [scope for scope in SCOPES if scope not in text] == []


def test_the_welcome_page_needs_no_other_host_and_no_inline_code(api: httpx.Client) -> None:
    page = api.get("/").text
    assert "Shopkeeper" in page
    for asset in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
        assert api.get(asset).status_code == 200
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*src=)", page)
    for path in STATIC.iterdir():
        hosts = set(re.findall(r"https?://([\w.]+)", path.read_text())) - {"www.w3.org"}
        assert hosts == set(), path.name
    assert "innerHTML" not in (STATIC / "app.js").read_text()


def test_pages_of_other_origins_may_call_only_where_allowed(tmp_path: Path, shop: Shop) -> None:
    settings = Settings(home=tmp_path, cors_origins=["https://shop.example"])
    create_key(settings.keys_path, "admin", [ADMIN])
    headers = "authorization,content-type,x-retry-count"  # the last one where Segment's SDK repeats
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": headers}
    with running(settings) as url:
        allowed = httpx.options(f"{url}/v1/batch", headers={"Origin": "https://shop.example", **asking}, verify=False)
        asked = httpx.get(f"{url}/health", headers={"Origin": "https://shop.example"}, verify=False)
        refused = httpx.options(f"{url}/v1/batch", headers={"Origin": "https://evil.example", **asking}, verify=False)
    assert allowed.headers["access-control-allow-origin"] == "https://shop.example"
    assert allowed.headers["access-control-allow-headers"] == headers
    assert "Retry-After" in asked.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in allowed.headers
    assert "access-control-allow-origin" not in refused.headers
    closed = httpx.get(f"{shop.url}/health", headers={"Origin": "https://shop.example"}, verify=False)
    assert "access-control-allow-origin" not in closed.headers


@pytest.mark.parametrize("origin", ["*", "https://*", "shop.example", "https://", "https://shop.example/path", "null"])
def test_a_vague_origin_is_refused_at_the_start(tmp_path: Path, origin: str) -> None:
    settings = Settings(home=tmp_path, cors_origins=[origin])
    create_key(settings.keys_path, "admin", [ADMIN])
    with pytest.raises(SettingsError, match=re.escape("https://shop.example")):
        create_app(settings)


def test_a_published_bundle_is_noticed_by_itself(empty_shop: Shop) -> None:
    with empty_shop.client() as client:
        assert client.get("/ready").status_code == 503
        publish_shop(empty_shop.settings, "v1")
        for _ in range(200):
            if client.get("/ready").status_code == 200:
                break
            time.sleep(0.05)
        assert client.get("/ready").json()["bundle_version"] == "v1"
        assert client.get("/v1/customers/customer-01").status_code == 200
