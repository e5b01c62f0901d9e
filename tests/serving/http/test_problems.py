import logging
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from serving.app import create_app
from tests.serving.conftest import Shop, shop_settings
from tests.serving.running import running

SECRET = "alice@example.com"


def assert_problem(answer: httpx.Response, status: int) -> dict[str, object]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = answer.json()
    assert body["status"] == status
    assert body["title"]
    assert body["detail"] == body["message"]
    assert body["type"] == f"urn:shopkeeper:problem:{body['code']}"
    return body


def test_unknown_path(api: httpx.Client) -> None:
    assert "/openapi.json" in str(assert_problem(api.get("/v2/anything"), 404)["detail"])
    assert_problem(api.get("/static/nothing.js"), 404)


def test_wrong_method_says_which_are_allowed(api: httpx.Client) -> None:
    assert "POST" in str(assert_problem(api.get("/v1/batch"), 405)["detail"])


@pytest.mark.parametrize("k", ["0", "101", "-1", "many", "1e9", "9" * 400])
def test_a_bad_parameter_says_what_was_given_and_what_is_allowed(api: httpx.Client, k: str) -> None:
    body = assert_problem(api.get(f"/v1/recommendations/customer-01?k={k}"), 422)
    assert "query.k" in str(body["detail"])


@pytest.mark.parametrize(
    "question",
    [
        b"not json",
        b'"text"',
        b"[" * 60_000,
        b'{"k": 0}',
        b'{"customer": "typo"}',
        b'{"filters": {"price_min": -1}}',
        b'{"filters": {"price_min": NaN}}',
        b'{"session": [{"item_id": "a", "kind": "bought"}]}',
        b'{"cart": ["' + b"x" * 201 + b'"]}',
        b'{"cart": [' + b'"a",' * 100 + b'"a"]}',
        b'{"customer_id": ""}',
        b'{"customer_id": "\\ud800"}',
        b'{"customer_id": "\xff"}',
    ],
)
def test_bad_questions_are_422(api: httpx.Client, question: bytes) -> None:
    assert_problem(api.post("/v1/recommendations", content=question), 422)


def test_what_a_person_typed_is_not_repeated(api: httpx.Client) -> None:
    answer = api.post("/v1/recommendations", json={"customer_id": [SECRET], "cart": [{"id": SECRET}], SECRET[:5]: 1})
    assert_problem(answer, 422)
    assert SECRET not in answer.text


def test_an_oversized_question_is_413(api: httpx.Client) -> None:
    assert_problem(api.post("/v1/recommendations", content=b" " * 65_537), 413)


def crashing(settings: object) -> FastAPI:
    app = create_app(settings)  # type: ignore[arg-type]

    async def crash() -> None:
        raise ValueError(f"cannot read the row of {SECRET}")

    app.add_api_route("/crash", crash)
    return app


def test_an_unexpected_error_tells_the_operator_where_and_the_caller_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings, _ = shop_settings(tmp_path)
    with caplog.at_level(logging.INFO), running(settings, crashing(settings)) as url:
        answer = httpx.get(f"{url}/crash", verify=False)
    body = assert_problem(answer, 500)
    reference = str(body["instance"]).removeprefix("urn:uuid:")
    assert reference in caplog.text
    assert "test_problems.py:" in caplog.text
    assert "ValueError" not in answer.text
    assert SECRET not in answer.text
    assert SECRET not in caplog.text


def test_nothing_published_yet_is_503_with_what_to_do(empty_shop: Shop) -> None:
    with empty_shop.client() as client:
        for path in ("/ready", "/v1/customers", "/v1/recommendations/a", "/v1/items/a/forecast", "/v1/bundle"):
            answer = client.get(path)
            assert "shopkeeper retrain" in str(assert_problem(answer, 503)["detail"])
            assert answer.headers["retry-after"]
        assert client.get("/health").status_code == 200
        assert client.post("/v1/page", json={"anonymousId": "a"}).json()["accepted"] == 1
