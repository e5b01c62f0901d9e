import logging
import re

import httpx
import pytest

from serving.http.telemetry import route_template
from tests.serving.conftest import Shop

CANARY = "canary-7f3a9"


def exercise(shop: Shop) -> None:
    """Let the canary and the keys appear wherever a request can carry them."""
    for name in shop.keys:
        with shop.client(name) as client:
            client.get(f"/v1/recommendations/{CANARY}?k=2")
            client.get(f"/v1/customers/{CANARY}")
            client.get(f"/v1/items/{CANARY}/forecast")
            client.get(f"/v1/customers?where=note:eq:{CANARY}&{CANARY}=1")
            client.get(f"/{CANARY}")
            client.request(CANARY.upper(), f"/v1/customers/{CANARY}")
            client.get("/v1/recommendations", params={"customer_id": CANARY, "item_id": CANARY})
            client.get("/v1/recommendations", params={"attribute": CANARY, CANARY: 1})
            client.post("/v1/recommendations", json={"customer_id": CANARY, "cart": [CANARY], CANARY: 1})
            client.post("/v1/items", json={"items": [{"item_id": "", "name": CANARY, "price": CANARY}]})
            client.post("/v1/track", json={"userId": CANARY, "event": CANARY, "writeKey": shop.keys[name]})
            client.post("/v1/batch", content=f'{{"batch": [{{"{CANARY}": ]}}')
    httpx.get(f"{shop.url}/v1/customers", headers={"Authorization": f"Bearer sk_{CANARY}"}, verify=False)


def secrets_in(text: str, shop: Shop) -> list[str]:
    return [secret for secret in (CANARY, CANARY.upper(), *shop.keys.values()) if secret in text]


def test_logs_and_metrics_hold_no_id_and_no_key(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        exercise(shop)
        with shop.client() as client:
            exposed = client.get("/metrics").text
    ours = "\n".join(entry.getMessage() for entry in caplog.records if entry.name.startswith(("serving", "uvicorn")))
    assert ours.count("/v1/customers/{customer_id}") >= 4
    assert secrets_in(ours, shop) == []
    assert secrets_in(exposed, shop) == []


def test_the_canary_is_found_where_it_leaks(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """httpx, on the caller's side, logs whole addresses: what ours must not do."""
    with caplog.at_level(logging.INFO):
        exercise(shop)
    assert secrets_in(caplog.text, shop)[0] == CANARY


def test_metrics_count_by_route_template(shop: Shop) -> None:
    with shop.client() as client:
        client.get("/v1/customers/customer-01")
        client.get("/v1/customers/nobody-at-all")
        client.post("/v1/page", json={"anonymousId": "metrics-visitor"})
        text = client.get("/metrics").text
    for status in ("200", "404"):
        line = (
            f'shopkeeper_request_seconds_count{{method="GET",route="/v1/customers/{{customer_id}}",status="{status}"}}'
        )
        assert line in text
    assert 'shopkeeper_bundle_info{version="v1"} 1.0' in text
    assert re.search(r'shopkeeper_events_total\{outcome="accepted"\} [1-9]', text)
    assert "shopkeeper_bundle_as_of_timestamp_seconds 1.748736e+09" in text


def test_recommendations_are_counted_by_placement_and_fallback(shop: Shop) -> None:
    with shop.client() as client:
        client.get("/v1/recommendations", params={"placement": "similar", "item_id": CANARY})
        client.get("/v1/items/tea-1/similar")
        text = client.get("/metrics").text
    assert re.search(r'shopkeeper_recommend_seconds_count\{placement="similar"\} [2-9]', text)
    labels = 'kind="unknown_item",placement="similar"'
    assert re.search(rf"shopkeeper_recommendation_fallbacks_total\{{{labels}\}} [1-9]", text)
    assert re.search(r"shopkeeper_live_visits \d", text)
    assert CANARY not in text


def test_an_unknown_path_has_one_name() -> None:
    assert route_template({"type": "http", "path": "/anything"}) == "unmatched"
