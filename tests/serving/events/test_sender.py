"""Event routes take the key from a header, the body, or the address of a beacon; no other route does."""

import httpx

from serving.events.sender import BEACON_PATH
from tests.serving.conftest import Shop


def test_a_key_in_the_body_opens_event_routes_only(shop: Shop) -> None:
    sent = httpx.post(f"{shop.url}/v1/batch", json={"batch": [], "writeKey": shop.keys["events"]}, verify=False)
    assert sent.status_code == 200
    answer = httpx.post(f"{shop.url}/v1/recommendations", json={"writeKey": shop.keys["admin"]}, verify=False)
    assert answer.status_code == 401


def test_a_key_in_the_header_counts_before_one_in_the_body(shop: Shop) -> None:
    body = {"batch": [], "writeKey": shop.keys["events"]}
    headers = {"Authorization": f"Bearer {shop.keys['storefront']}"}
    assert httpx.post(f"{shop.url}/v1/batch", headers=headers, json=body, verify=False).status_code == 403


def test_a_key_in_an_address_is_a_pages_and_of_a_beacon(shop: Shop) -> None:
    def status(path: str, key: str) -> int:
        return httpx.post(f"{shop.url}{path}?writeKey={key}", json={"batch": []}, verify=False).status_code

    assert status(BEACON_PATH, shop.keys["events"]) == 200
    assert status(BEACON_PATH, "sk_wrong") == 401
    assert status("/v1/batch", shop.keys["events"]) == 401
    for name in ("server", "admin", "storefront"):
        assert status(BEACON_PATH, shop.keys[name]) == 403
    in_body = {"batch": [], "writeKey": shop.keys["events"]}
    assert httpx.post(f"{shop.url}{BEACON_PATH}", json=in_body, verify=False).status_code == 200
