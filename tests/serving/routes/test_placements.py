from typing import Any

import httpx
import pytest

from recsys.request import PLACEMENTS
from serving.http.schemas.recommendations import RecommendationAnswer
from tests.serving.shop import TEA

ASKED: dict[str, Any] = {"customer_id": "customer-02", "item_id": "tea-1", "cart": ["tea-2"], "k": 3}


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_every_placement_is_answered_alike_by_get_and_post(api: httpx.Client, placement: str) -> None:
    question = ASKED | {"placement": placement}
    got = api.get("/v1/recommendations", params=question)
    parsed = RecommendationAnswer.model_validate_json(got.content)
    assert parsed.placement == placement
    assert len(parsed.items) == 3
    assert all(item.source and item.reason and item.propensity is None for item in parsed.items)
    assert not {"tea-1", "tea-2"} & {item.item_id for item in parsed.items}
    posted = RecommendationAnswer.model_validate_json(api.post("/v1/recommendations", json=question).content)
    assert posted.items == parsed.items
    assert posted.answer_id != parsed.answer_id


@pytest.mark.parametrize(
    ("placement", "missing"),
    [
        ("similar", "item_id"),
        ("bought_together", "cart or item_id"),
        ("cart", "cart or item_id"),
        ("buy_again", "customer_id or session"),
        ("recently_viewed", "customer_id or session"),
    ],
)
def test_what_a_placement_lacks_is_named(api: httpx.Client, placement: str, missing: str) -> None:
    for answer in (
        api.get("/v1/recommendations", params={"placement": placement}),
        api.post("/v1/recommendations", json={"placement": placement}),
    ):
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert f"{placement} needs {missing}" in answer.json()["detail"]


def test_the_old_path_takes_the_same_parameters(api: httpx.Client) -> None:
    answer = api.get("/v1/recommendations/customer-02", params={"placement": "similar", "item_id": "tea-1", "k": 2})
    assert answer.json()["placement"] == "similar"
    assert {item["item_id"] for item in answer.json()["items"]} <= set(TEA)


def test_a_wrong_parameter_is_found_by_its_name(api: httpx.Client) -> None:
    answer = api.get("/v1/recommendations", params={"k": "many", "price_min": "-1"})
    assert answer.status_code == 422
    assert {entry["where"] for entry in answer.json()["errors"]} == {"query.k", "query.price_min"}


def test_filters_hold(api: httpx.Client) -> None:
    asked = {"category": "tools", "price_max": 12, "exclude": "tool-0", "k": 50}
    answer = api.get("/v1/recommendations", params=asked).json()
    assert {item["item_id"] for item in answer["items"]} == {"tool-1", "tool-2", "tool-3"}
    assert [item["price"] for item in answer["items"] if item["item_id"] == "tool-1"] == [10.0]


def test_without_consent_a_known_customer_is_a_stranger(api: httpx.Client) -> None:
    asked = {"customer_id": "customer-02", "k": 16}
    known = api.get("/v1/recommendations", params=asked).json()
    unknown = api.get("/v1/recommendations", params=asked | {"personalize": False}).json()
    assert known["is_known_customer"]
    assert not unknown["is_known_customer"]
    assert "popular" in unknown["fallbacks"]
    assert known["items"] != unknown["items"]


def test_who_is_asked_for_by_anonymous_id_is_named_as_ingest_names_them(api: httpx.Client) -> None:
    answer = api.get("/v1/recommendations", params={"anonymous_id": "a1"}).json()
    assert answer["customer_id"] == "anonymous:a1"


@pytest.mark.parametrize("key", ["events", "backoffice", None])
def test_a_key_without_the_scope_gets_nothing(shop: Any, key: str | None) -> None:
    with shop.client(key) as client:
        for answer in (client.get("/v1/recommendations"), client.post("/v1/recommendations", json={})):
            assert answer.status_code == (403 if key else 401)
