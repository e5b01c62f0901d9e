from base64 import b64encode

import httpx
import pytest
from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute

from contracts.settings import Settings
from serving.app import ROUTERS
from serving.events.sender import BEACON_PATH
from serving.http.openapi import scope_of
from serving.security.access import Access, DirectRoute
from serving.security.api_keys import EVENTS_SERVER, EVENTS_WRITE, SCOPES, create_key, revoke_key
from tests.serving.conftest import SCOPES as KEY_SCOPES
from tests.serving.conftest import Shop

OPEN_PATHS = {"/", "/health", "/ready"}
SIGNED_PATHS = {"/webhooks/shopify"}  # the sender signs the body
NEEDS_IDS = {"/v1/privacy/erase", "/v1/privacy/export"}  # and each starts a process
BODIES = {
    **dict.fromkeys(("/v1/batch", "/v1/b", "/v1/import", BEACON_PATH), b'{"batch": []}'),
    "/v1/items": b'{"items": [{"item_id": "tea-1"}]}',
}
ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
GUARDED = [(method, route) for route in ROUTES for method in sorted(route.methods or ()) if scope_of(route)]


def call(client: httpx.Client, method: str, route: APIRoute) -> httpx.Response:
    path = route.path_format.replace("{customer_id}", "customer-01").replace("{item_id}", "tea-1")
    return client.request(method, path, content=BODIES.get(path, b"{}") if method == "POST" else None)


def undeclared(routes: list[APIRoute]) -> list[str]:
    known = OPEN_PATHS | SIGNED_PATHS
    return [route.path for route in routes if scope_of(route) not in SCOPES and route.path not in known]


def test_every_route_declares_a_known_scope_or_is_open_on_purpose() -> None:
    assert undeclared(ROUTES) == []
    assert len(GUARDED) >= 15

    async def forgotten() -> None: ...

    assert undeclared([APIRoute("/v1/forgotten", forgotten)]) == ["/v1/forgotten"]


def test_every_route_of_ours_is_in_the_checked_routers(api: httpx.Client) -> None:
    listed = {route.path_format for route in ROUTES if route.include_in_schema}
    assert set(api.get("/openapi.json").json()["paths"]) == listed


@pytest.mark.parametrize(("method", "route"), GUARDED, ids=lambda value: getattr(value, "path_format", value))
def test_scopes_hold_on_every_route(shop: Shop, method: str, route: APIRoute) -> None:
    needed = scope_of(route)
    with shop.client(None) as nobody:
        assert call(nobody, method, route).status_code == 401
    for name, scopes in KEY_SCOPES.items():
        with shop.client(name) as client:
            answer = call(client, method, route)
        if needed in scopes or "admin" in scopes or (needed == EVENTS_WRITE and EVENTS_SERVER in scopes):
            assert answer.status_code == (422 if route.path in NEEDS_IDS else 200), answer.text
        else:
            assert answer.status_code == 403
            assert needed in answer.json()["detail"]


def test_a_direct_route_takes_no_dependency_that_it_would_pass_over() -> None:
    async def handler(request: Request) -> Response: ...

    def forgotten() -> None: ...

    access = Depends(Access(EVENTS_WRITE))
    assert scope_of(DirectRoute("/v1/direct", handler, dependencies=[access])) == EVENTS_WRITE
    for dependencies in ([], [Depends(forgotten)], [access, Depends(forgotten)]):
        with pytest.raises(AssertionError):
            DirectRoute("/v1/direct", handler, dependencies=dependencies)


@pytest.mark.parametrize("path", sorted(OPEN_PATHS))
def test_open_routes_need_no_key(shop: Shop, path: str) -> None:
    with shop.client(None) as nobody:
        assert nobody.get(path).status_code == 200


def test_a_key_may_come_in_four_ways(shop: Shop) -> None:
    key = shop.keys["events"]
    basic = b64encode(f"{key}:".encode()).decode()
    forms = [{"Authorization": f"Bearer {key}"}, {"Authorization": f"Basic {basic}"}, {"X-API-Key": key}]
    for headers in forms:
        assert httpx.post(f"{shop.url}/v1/batch", headers=headers, json={"batch": []}, verify=False).status_code == 200
    in_body = {"batch": [], "writeKey": key}
    assert httpx.post(f"{shop.url}/v1/batch", json=in_body, verify=False).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer sk_nothing"},
        {"Authorization": "Basic %%%"},
        {"Authorization": "Basic " + b64encode(b"\xff\xfe:").decode()},
        {"Authorization": "Digest x"},
        {"X-API-Key": "a" * 5000},
        {"X-API-Key": b"\xff\xfe"},
    ],
)
def test_malformed_keys_are_401_with_what_to_do(shop: Shop, headers: dict[str, str]) -> None:
    answer = httpx.get(f"{shop.url}/v1/customers", headers=headers, verify=False)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert "key" in answer.json()["detail"]


def test_revocation_reaches_a_running_service(empty_shop: Shop) -> None:
    settings: Settings = empty_shop.settings
    created, key = create_key(settings.keys_path, "short-lived", [EVENTS_WRITE])
    headers = {"Authorization": f"Bearer {key}"}
    url = f"{empty_shop.url}/v1/batch"
    assert httpx.post(url, headers=headers, json={"batch": []}, verify=False).status_code == 200
    revoke_key(settings.keys_path, created.id)
    assert httpx.post(url, headers=headers, json={"batch": []}, verify=False).status_code == 401


def test_an_unreadable_key_file_is_503_and_nobody_gets_in(empty_shop: Shop) -> None:
    empty_shop.settings.keys_path.write_text("broken")
    with empty_shop.client("admin") as client:
        answer = client.post("/v1/batch", json={"batch": []})
    assert answer.status_code == 503
    assert str(empty_shop.settings.home) not in answer.text
