"""Event routes take the key from a header, or from the body; no other route does."""

from tests.serving.conftest import Shop


def test_a_write_key_in_the_body_opens_event_routes_only(shop: Shop) -> None:
    answer = httpx.post(f"{shop.url}/v1/recommendations", json={"writeKey": shop.keys["admin"]}, verify=False)
    assert answer.status_code == 401
