"""Erasure and export over HTTP, and Shopify's webhooks, with a real service and the real command."""

import base64
import hmac
import json
import time
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from contracts.privacy.requests import waiting_requests
from contracts.settings import Settings
from tests.pipelines.wire import bought, ingest_events
from tests.serving.conftest import Shop, shop_settings
from tests.serving.running import running
from tests.serving.shop import publish_shop

SECRET = "hush-of-the-app"
GONE = "customer-03"


@pytest.fixture(scope="module")
def own_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    home = tmp_path_factory.mktemp("privacy")
    ingest_events(home, bought("m1", GONE, {"tea-1": 5.0}), bought("m2", "customer-04", {"tea-1": 5.0}))
    settings, keys = shop_settings(home)
    settings = Settings(home=home, shopify_webhook_secret=SecretStr(SECRET))
    publish_shop(settings, "20250601T000000000Z")
    with running(settings) as first:
        yield Shop(settings, first, keys)


def seen(client: httpx.Client) -> list[str]:
    """Where the customer is seen."""
    places = {
        "row": client.get(f"/v1/customers/{GONE}").status_code == 200,
        "list": f'"{GONE}"' in client.get("/v1/customers?limit=100").text,
        "csv": GONE in client.get("/v1/customers?format=csv").text,
        "recommendations": client.get(f"/v1/recommendations/{GONE}").json()["is_known_customer"],
    }
    return [place for place, is_there in places.items() if is_there]


def test_from_the_answer_on_no_answer_of_any_worker_holds_the_person_and_every_store_follows(own_shop: Shop) -> None:
    with running(own_shop.settings) as second, own_shop.client() as client:
        others = httpx.Client(base_url=second, headers=client.headers, timeout=60, verify=False)
        assert seen(client) == seen(others) == ["row", "list", "csv", "recommendations"]
        exported = client.post("/v1/privacy/export", json={"ids": [GONE]}).json()
        assert exported["stores"]["warehouse"]["rows"]
        answer = client.post("/v1/privacy/erase", json={"ids": [GONE]})
        assert answer.status_code == 200
        assert seen(client) == seen(others) == []
        receipt = own_shop.settings.home / "privacy" / "receipts" / f"{answer.json()['request']}.json"
        started = time.monotonic()
        while not receipt.exists() and time.monotonic() - started < 60:
            time.sleep(0.05)
        erased = {each["store"]: each["erased"] for each in json.loads(receipt.read_text())["stores"]}
        assert erased["bundles"] > 0
        assert erased["warehouse"] > 0
        assert seen(client) == seen(others) == []
        assert client.get("/v1/customers/customer-04").status_code == 200
        others.close()


@pytest.mark.parametrize("body", [{}, {"ids": []}, {"ids": [""]}, {"ids": ["x" * 201]}, {"ids": [5]}, {"id": "a"}])
def test_a_body_without_ids_is_refused(own_shop: Shop, body: dict[str, Any]) -> None:
    with own_shop.client() as client:
        assert client.post("/v1/privacy/erase", json=body).status_code == 422
        assert client.post("/v1/privacy/export", json=body).status_code == 422


def webhook(shop: Shop, topic: str, body: bytes, secret: str = SECRET, **headers: str) -> httpx.Response:
    signature = base64.b64encode(hmac.new(secret.encode(), body, sha256).digest()).decode()
    sent = {"X-Shopify-Topic": topic, "X-Shopify-Hmac-Sha256": signature, **headers}
    with shop.client(None) as client:
        return client.post("/webhooks/shopify", content=body, headers=sent)


def test_shopify_s_requests_wait_to_be_answered(own_shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    customer = {"id": 191167, "email": "John@example.com", "phone": "555-625-1199"}
    body = json.dumps({"shop_domain": "x.myshopify.com", "customer": customer}).encode()
    assert webhook(own_shop, "customers/data_request", body).status_code == 200
    assert webhook(own_shop, "shop/redact", b'{"shop_id": 954889}').status_code == 200
    waiting = {each.kind: each.ids for each in waiting_requests(own_shop.settings.home)}
    assert waiting["export"] == ["191167", "John@example.com", "gid://shopify/Customer/191167"]
    assert waiting["erase_shop"] == []
    redacted = webhook(own_shop, "customers/redact", body)
    assert redacted.status_code == 200
    assert "John" not in caplog.text
    with own_shop.client() as client:
        assert client.get("/v1/customers/191167").status_code == 404


def test_a_webhook_without_the_right_signature_topic_or_body_is_refused(own_shop: Shop) -> None:
    assert webhook(own_shop, "shop/redact", b"{}", "wrong").status_code == 401
    assert webhook(own_shop, "shop/redact", b"{}", **{"X-Shopify-Hmac-Sha256": ""}).status_code == 401
    assert webhook(own_shop, "orders/create", b"{}").status_code == 404
    assert webhook(own_shop, "customers/redact", b"{").status_code == 400
    assert webhook(own_shop, "customers/redact", b'{"customer": {"id": null}}').status_code == 422


def test_without_a_secret_webhooks_are_refused(shop: Shop) -> None:
    answer = webhook(shop, "shop/redact", b"{}")
    assert answer.status_code == 404
    assert "shopify_webhook_secret" in answer.json()["detail"]
