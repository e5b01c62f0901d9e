import httpx
import pytest

from serving.http.schemas.recommendations import RecommendationAnswer, SimilarAnswer
from tests.serving.conftest import Shop
from tests.serving.running import running
from tests.serving.shop import TEA, TOOLS, publish_shop


def ids(answer: httpx.Response) -> list[str]:
    return [item["item_id"] for item in answer.json()["items"]]


@pytest.mark.parametrize(("customer", "liked"), [("customer-02", TEA), ("customer-03", TOOLS)])
def test_a_customer_gets_what_they_like(api: httpx.Client, customer: str, liked: list[str]) -> None:
    answer = api.get(f"/v1/recommendations/{customer}?k=5")
    parsed = RecommendationAnswer.model_validate_json(answer.content)
    assert len(parsed.items) == 5
    assert set(ids(answer)) <= set(liked)
    assert parsed.is_known_customer
    assert parsed.fallbacks == []
    assert parsed.bundle_version == "v1"
    assert parsed.customer_id == customer
    assert parsed.items[0].name == f"Name of {parsed.items[0].item_id}"
    assert all(item.reason and item.source for item in parsed.items)


def test_an_unknown_customer_gets_an_honest_fallback(api: httpx.Client) -> None:
    answer = api.get("/v1/recommendations/nobody%2Fknown").json()
    assert answer["customer_id"] == "nobody/known"
    assert answer["is_known_customer"] is False
    assert "popular" in answer["fallbacks"]
    assert answer["items"]


def test_this_visit_counts_for_somebody_unknown(api: httpx.Client) -> None:
    question = {"session": [{"item_id": "tool-1"}], "cart": ["tool-2"], "k": 5}
    answer = api.post("/v1/recommendations", json=question)
    assert answer.json()["fallbacks"] == []
    assert sum(item in TOOLS for item in ids(answer)) >= 3
    assert "tool-2" not in ids(answer)


def test_filters_hold(api: httpx.Client) -> None:
    filters = {"categories": ["tools"], "price_max": 12.0, "exclude_items": ["tool-0"]}
    answer = api.post("/v1/recommendations", json={"customer_id": "customer-02", "k": 50, "filters": filters})
    assert set(ids(answer)) == {"tool-1", "tool-2", "tool-3"}
    none = api.post("/v1/recommendations", json={"filters": {"brands": ["no such brand"]}})
    assert ids(none) == []


def test_an_unknown_item_in_the_question_is_reported(api: httpx.Client) -> None:
    answer = api.post("/v1/recommendations", json={"cart": ["tea-1", "gone"]})
    assert "unknown_item:gone" in answer.json()["fallbacks"]


def test_nothing_asked_gets_what_is_popular(api: httpx.Client) -> None:
    for body in (b"", b"{}"):
        answer = api.post("/v1/recommendations", content=body).json()
        assert len(answer["items"]) == 16
        assert answer["customer_id"] is None


def test_similar_items(api: httpx.Client) -> None:
    answer = api.get("/v1/items/tea-1/similar?k=3")
    SimilarAnswer.model_validate_json(answer.content)
    assert set(ids(answer)) <= set(TEA) - {"tea-1"}
    missing = api.get("/v1/items/gone/similar")
    assert missing.status_code == 404
    assert "/v1/items" in missing.json()["detail"]


def test_a_bundle_without_recommender_says_so(empty_shop: Shop) -> None:
    publish_shop(empty_shop.settings, "v1", with_families=False)
    with (
        running(empty_shop.settings) as url,
        httpx.Client(headers={"X-API-Key": empty_shop.keys["admin"]}, verify=False) as client,
    ):
        for path in ("recommendations/a", "items/a/similar", "items/a/forecast", "items/a", "items", "customers"):
            answer = client.get(f"{url}/v1/{path}")
            assert answer.status_code == 503, path
            assert "shopkeeper" in answer.json()["detail"]
        assert client.get(f"{url}/ready").status_code == 200
        assert client.get(f"{url}/v1/bundle").json()["families"] == {}
