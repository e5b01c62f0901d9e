"""The session under way counts from the first click on, through the events that the shop sends anyway."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.errors import EventLogError
from serving.app import create_app
from serving.events.log_follower import LogFollower
from serving.service import Service
from tests.serving.conftest import Shop, shop_settings
from tests.serving.running import running
from tests.serving.shop import TOOLS, publish_shop

_numbers = count()


def new_visitor() -> str:
    return f"live-visitor-{next(_numbers)}"


def send(api: httpx.Client, item: str, consent: dict[str, bool] | None = None, **who: str) -> None:
    event: dict[str, Any] = {"event": "Product Viewed", "properties": {"product_id": item}, **who}
    event["context"] = {"consent": {"categoryPreferences": consent or {}}}
    assert api.post("/v1/track", json=event).status_code == 200


def shown(api: httpx.Client, **asked: Any) -> list[str]:
    answer = api.get("/v1/recommendations", params={"k": 5} | asked)
    assert answer.status_code == 200, answer.text
    return [item["item_id"] for item in answer.json()["items"]]


def tools_in(items: list[str]) -> int:
    return sum(item in TOOLS for item in items)


def test_the_first_click_counts_when_it_is_answered(api: httpx.Client) -> None:
    visitor = new_visitor()
    asked = {"anonymous_id": visitor, "placement": "recently_viewed", "k": 1}
    assert "popular" in api.get("/v1/recommendations", params={"anonymous_id": visitor}).json()["fallbacks"]
    send(api, "tool-1", anonymousId=visitor)
    assert shown(api, **asked) == ["tool-1"]
    assert shown(api, customer_id=f"anonymous:{visitor}", placement="recently_viewed", k=1) == ["tool-1"]
    assert "popular" not in api.get("/v1/recommendations", params={"anonymous_id": visitor}).json()["fallbacks"]
    assert tools_in(shown(api, anonymous_id=visitor)) >= 3
    send(api, "tool-2", anonymousId=visitor)
    assert shown(api, **asked) == ["tool-2"]


def test_an_explicit_session_wins_also_an_empty_one(api: httpx.Client) -> None:
    visitor = new_visitor()
    send(api, "tool-1", anonymousId=visitor)
    asked = {"anonymous_id": visitor, "placement": "recently_viewed", "k": 1}
    assert shown(api, **asked, session="view:tea-3") == ["tea-3"]
    empty = api.post("/v1/recommendations", json={"anonymous_id": visitor, "session": []}).json()
    assert "popular" in empty["fallbacks"]


def test_without_consent_nothing_is_looked_up(api: httpx.Client) -> None:
    visitor = new_visitor()
    send(api, "tool-1", anonymousId=visitor)
    answer = api.get("/v1/recommendations", params={"anonymous_id": visitor, "personalize": False}).json()
    assert "popular" in answer["fallbacks"]


@pytest.mark.parametrize("refused", ["personalization", "analytics"])
def test_a_refusal_makes_a_known_customer_a_stranger_at_once(api: httpx.Client, refused: str) -> None:
    customer, visitor = "customer-05" if refused == "analytics" else "customer-07", new_visitor()
    who = {"userId": customer, "anonymousId": visitor}
    send(api, "tool-1", **who)
    asked = {"customer_id": customer, "anonymous_id": visitor}
    assert api.get("/v1/recommendations", params=asked).json()["is_known_customer"]
    send(api, "tool-2", {refused: False}, **who)
    send(api, "tool-3", **who)
    for more in ({}, {"placement": "recently_viewed"}, {"placement": "buy_again"}, {"session": "view:tool-4"}):
        answer = api.get("/v1/recommendations", params=asked | more).json()
        assert not answer["is_known_customer"], more
        assert {"popular", "any_item"} & set(answer["fallbacks"]), more
        assert answer["customer_id"] == customer
    send(api, "tool-3", {"personalization": True, "analytics": True}, **who)
    assert api.get("/v1/recommendations", params=asked).json()["is_known_customer"]


def test_the_item_and_the_cart_of_the_question_count_without_consent(api: httpx.Client) -> None:
    answer = api.get("/v1/recommendations", params={"personalize": False, "item_id": "tool-1", "k": 5})
    assert tools_in([item["item_id"] for item in answer.json()["items"]]) >= 3


def test_a_repeated_event_counts_once(shop: Shop, api: httpx.Client) -> None:
    visitor = new_visitor()
    event = {"event": "Product Viewed", "messageId": f"m-{visitor}", "anonymousId": visitor}
    for item in ("tool-1", "tea-1"):
        api.post("/v1/track", json=event | {"properties": {"product_id": item}})
    assert shown(api, anonymous_id=visitor, placement="recently_viewed", k=1) == ["tool-1"]


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[tuple[httpx.Client, httpx.Client, Service]]:
    """Two workers of one shop, and the parts of the second one."""
    settings, keys = shop_settings(tmp_path)
    publish_shop(settings, "v1")
    app = create_app(settings)
    headers = {"X-API-Key": keys["admin"]}
    with (
        running(settings) as url,
        running(settings, app) as other_url,
        httpx.Client(base_url=url, headers=headers, verify=False) as one,
        httpx.Client(base_url=other_url, headers=headers, verify=False) as two,
    ):
        yield one, two, app.state.service


ASKED = {"anonymous_id": "visitor", "placement": "recently_viewed", "k": 1}


def test_another_worker_learns_of_it_from_the_log(workers: tuple[httpx.Client, httpx.Client, Service]) -> None:
    one, two, service = workers
    send(one, "tool-1", anonymousId="visitor")
    service.log_follower.catch_up()
    assert shown(one, **ASKED) == shown(two, **ASKED) == ["tool-1"]


@pytest.mark.parametrize("fails", [False, True])
def test_a_worker_learns_of_an_event_that_was_sent_to_it_in_vain(
    workers: tuple[httpx.Client, httpx.Client, Service], monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """It was retried here after another worker had stored it, or stored there after it could not be stored here."""
    one, two, service = workers
    event = {"event": "Product Viewed", "messageId": "m", "anonymousId": "visitor"}
    event |= {"properties": {"product_id": "tool-1"}}
    monkeypatch.setattr(service.log_follower, "catch_up", lambda: None)  # it reads the log when the test says so
    if fails:

        async def append(_: object) -> list[bool]:
            raise EventLogError("no disk")

        with monkeypatch.context() as patched:
            patched.setattr(service.writer, "append", append)
            assert two.post("/v1/track", json=event).status_code == 503
    assert one.post("/v1/track", json=event).json()["accepted"] == 1
    if not fails:
        assert two.post("/v1/track", json=event).json()["duplicates"] == 1
    LogFollower.catch_up(service.log_follower)
    assert shown(one, **ASKED) == shown(two, **ASKED) == ["tool-1"]
