"""Erase or export one person, and Shopify's webhooks that ask for it."""

import asyncio
import base64
import hmac
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

import msgspec
import orjson
from fastapi import APIRouter, Depends, Request, Response

from contracts.events.ids import id_text
from contracts.privacy.requests import PrivacyRequest, RequestKind, ask
from serving.http.body import MAX_QUESTION_BYTES, read_body, read_json
from serving.http.openapi import json_body
from serving.http.problems import Problem, unavailable
from serving.http.schemas.privacy import ErasureAnswer, ExportAnswer, PersonIds, WebhookAnswer
from serving.security.access import Access
from serving.security.api_keys import ADMIN
from serving.service import Service, service_of

_log: Final = logging.getLogger("serving.privacy")
_TOPICS: Final[dict[str, RequestKind]] = {
    "customers/redact": "erase",
    "customers/data_request": "export",
    "shop/redact": "erase_shop",
}
_ADMIN: Final = [Depends(Access(ADMIN))]

router = APIRouter(tags=["privacy"])


@router.post(
    "/v1/privacy/erase",
    response_model=ErasureAnswer,
    summary="Erase one person",
    dependencies=_ADMIN,
    openapi_extra=json_body(PersonIds),
)
async def erase_person(request: Request) -> Response:
    """From this answer on no answer of any worker holds these ids. Every store follows; the receipt tells when."""
    body = await read_json(request, MAX_QUESTION_BYTES, PersonIds)
    asked = await _asked(service_of(request), "erase", body.ids)
    detail = (
        "The ids are hidden from now on. All stores, and the person's other ids, follow within minutes, or with the "
        "next `shopkeeper retrain`; then privacy/receipts has the receipt."
    )
    answer = ErasureAnswer(request=asked.id, asked_at=asked.asked_at, detail=detail)
    return Response(answer.model_dump_json(), media_type="application/json")


@router.post(
    "/v1/privacy/export",
    response_model=ExportAnswer,
    summary="Everything that is held of one person",
    dependencies=_ADMIN,
    openapi_extra=json_body(PersonIds),
)
async def export_person(request: Request) -> Response:
    """The same document as that of `shopkeeper privacy export`; it takes some seconds."""
    body = await read_json(request, MAX_QUESTION_BYTES, PersonIds)
    document = await service_of(request).privacy_command.export(body.ids)
    if document is None:
        raise unavailable("export-failed", "The export failed, perhaps since an ingest is running. Try again later.")
    return Response(document, media_type="application/json")


@router.post("/webhooks/shopify", response_model=WebhookAnswer, summary="Shopify's webhooks about privacy")
async def shopify_webhook(request: Request) -> Response:
    """`customers/redact`, `customers/data_request` and `shop/redact`, signed with the app's secret."""
    service = service_of(request)
    raw = await read_body(request, MAX_QUESTION_BYTES)
    _require_signature(service, request.headers, raw)
    topic = request.headers.get("x-shopify-topic", "")
    if topic not in _TOPICS:
        allowed = ", ".join(_TOPICS)
        raise Problem(404, "unknown-topic", f"X-Shopify-Topic is {topic[:80]!r}; {allowed} are answered here.")
    kind = _TOPICS[topic]
    asked = await _asked(service, kind, _ids_of(raw))
    _log.warning("Shopify asks: %s. `shopkeeper privacy requests` shows it.", topic)
    return Response(orjson.dumps({"request": asked.id}), media_type="application/json")


async def _asked(service: Service, kind: RequestKind, ids: list[str]) -> PrivacyRequest:
    try:
        asked = await asyncio.to_thread(ask, service.settings.home, kind, ids, datetime.now(UTC))
    except OSError as error:
        _log.error("a request about privacy could not be stored: %s", type(error).__name__)
        raise unavailable("not-stored", "The request could not be stored safely. Send it again.") from None
    if kind == "erase":
        service.privacy_command.start_erasing()
    return asked


def _require_signature(service: Service, headers: Mapping[str, str], raw: bytes) -> None:
    """Raise Problem 404 without a secret, 401 where the signature is not that of the raw body."""
    secret = service.settings.shopify_webhook_secret
    if secret is None:
        detail = "Shopify's webhooks are not set up here. Set shopify_webhook_secret to the secret of your app."
        raise Problem(404, "no-webhook-secret", detail)
    expected = base64.b64encode(hmac.new(secret.get_secret_value().encode(), raw, sha256).digest())
    given = headers.get("x-shopify-hmac-sha256", "").encode("utf-8", "replace")
    if not hmac.compare_digest(expected, given):
        raise Problem(401, "wrong-signature", "X-Shopify-Hmac-Sha256 is not that of this body with the app's secret.")


def _ids_of(raw: bytes) -> list[str]:
    """The customer's ids: Shopify's number, in both of its forms, and the e-mail address."""
    try:
        told: Any = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        raise Problem(400, "malformed-json", "The body is not JSON.") from None
    customer = told.get("customer") if isinstance(told, dict) else None
    if not isinstance(customer, dict):
        return []
    number = id_text(customer["id"]) if isinstance(customer.get("id"), str | int) else None
    email = customer.get("email")
    ids = [number, f"gid://shopify/Customer/{number}"] if number else []
    return [each for each in (*ids, email) if isinstance(each, str) and each.strip()]
