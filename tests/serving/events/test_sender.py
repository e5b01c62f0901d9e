"""Event routes take the key from a header or from the body; no other route takes it from the body."""

import httpx

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
