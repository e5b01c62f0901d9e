"""The merchant's policy over HTTP: applied, followed, explored, and never stopping the service."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from contracts.errors import SettingsError
from contracts.settings import Settings
from serving.app import create_app
from serving.security.api_keys import create_key
from tests.serving.conftest import SCOPES
from tests.serving.running import running
from tests.serving.shop import TEA, publish_shop

PINNED = '[[for_you.pins]]\nitem = "tool-7"\nposition = 1\n'
EXPLORING = "[for_you]\nexploration = { places = [2, 4], pool = 5 }\n"


class PolicyShop:
    """A service under a policy file."""

    def __init__(self, folder: Path, text: str) -> None:
        self.path = folder / "policy.toml"
        self.path.write_text(text)
        self.settings = Settings(home=folder, policy=self.path)
        self.key = create_key(self.settings.keys_path, "admin", SCOPES["admin"])[1]
        publish_shop(self.settings, "v1")

    def change(self, app: FastAPI, text: str) -> None:
        self.path.write_text(text)
        app.state.service.bundles.refresh()

    def client(self, url: str) -> httpx.Client:
        return httpx.Client(base_url=url, headers={"X-API-Key": self.key}, verify=False)


def asked(api: httpx.Client, **more: Any) -> dict[str, Any]:
    answer = api.get("/v1/recommendations", params={"customer_id": "customer-02", "k": 5} | more)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def first(api: httpx.Client) -> str:
    return str(asked(api)["items"][0]["item_id"])


def test_a_changed_policy_takes_effect_and_a_bad_one_does_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    shop = PolicyShop(tmp_path, PINNED)
    app = create_app(shop.settings)
    with running(shop.settings, app) as url, shop.client(url) as api:
        assert first(api) == "tool-7"
        shop.change(app, PINNED.replace("tool-7", "tool-6"))
        assert first(api) == "tool-6"
        with caplog.at_level(logging.ERROR):
            shop.change(app, "[for_you]\npin = 1")
        assert first(api) == "tool-6"
        ready = api.get("/ready").json()
        assert (ready["is_current"], ready["is_policy_current"]) == (True, False)
        assert "policy" in ready["detail"]
        assert str(tmp_path) not in ready["detail"]
        assert "shopkeeper_policy_refused 1.0" in api.get("/metrics").text
        assert any("policy" in entry.message for entry in caplog.records)
        shop.change(app, "")
        assert first(api) in TEA
        assert api.get("/ready").json()["is_policy_current"]


def test_a_service_with_a_bad_policy_does_not_start(tmp_path: Path) -> None:
    shop = PolicyShop(tmp_path, "[attic]")
    with pytest.raises(SettingsError, match="attic"):
        create_app(shop.settings)


def test_what_a_policy_names_and_the_bundle_lacks_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shop = PolicyShop(tmp_path, PINNED.replace("tool-7", "nothing"))
    app = create_app(shop.settings)
    with caplog.at_level(logging.WARNING), running(shop.settings, app) as url, shop.client(url) as api:
        publish_shop(shop.settings, "v2")
        app.state.service.bundles.refresh()
        assert asked(api)["bundle_version"] == "v2"
    assert len([entry for entry in caplog.records if "'nothing'" in entry.message]) == 1


@pytest.fixture
def exploring(tmp_path: Path) -> Iterator[httpx.Client]:
    shop = PolicyShop(tmp_path, EXPLORING)
    with running(shop.settings) as url, shop.client(url) as api:
        yield api


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [json.loads(entry.getMessage()) for entry in caplog.records if entry.name == "serving.exploration"]


def test_what_is_drawn_is_logged_with_its_propensity_and_without_the_customer(
    exploring: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        answers = [asked(exploring) for _ in range(12)]
    drawn = [tuple(answer["items"][place]["item_id"] for place in (1, 3)) for answer in answers]
    assert len(set(drawn)) > 1  # each answer has a seed of its own
    for answer, line in zip(answers, lines(caplog), strict=True):
        at = [place for place, item in enumerate(answer["items"], 1) if item["propensity"] is not None]
        assert at == [2, 4]
        assert line == {
            "answer_id": answer["answer_id"],
            "placement": "for_you",
            "bundle_version": "v1",
            "items": [answer["items"][place - 1]["item_id"] for place in at],
            "places": at,
            "propensities": [answer["items"][place - 1]["propensity"] for place in at],
        }
        assert all(0 < propensity <= 1 for propensity in line["propensities"])
    assert len({answer["answer_id"] for answer in answers}) == len(answers)
    assert "customer-02" not in "".join(map(json.dumps, lines(caplog)))


def test_a_given_seed_draws_the_same_again(exploring: httpx.Client) -> None:
    answers = [asked(exploring, seed=5)["items"] for _ in range(5)]
    assert all(items == answers[0] for items in answers)
    assert any(asked(exploring, seed=seed)["items"] != answers[0] for seed in range(6, 16))


def test_a_placement_that_does_not_explore_draws_and_logs_nothing(
    exploring: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        answer = asked(exploring, placement="popular")
    assert [item["propensity"] for item in answer["items"]] == [None] * 5
    assert lines(caplog) == []


OVERSTOCKED = """
[default]
diversity = 0.0
[[default.boosts]]
attribute = "inventory_alert"
equals = "overstock"
weight = 50.0
"""
BOOSTED_TOOLS = """
[[default.boosts]]
attribute = "category"
equals = "tools"
weight = 50.0
"""


def shown(api: httpx.Client, **more: Any) -> list[str]:
    return [str(item["item_id"]) for item in asked(api, k=8, **more)["items"]]


def test_a_policy_may_boost_overstock(tmp_path: Path) -> None:
    shop = PolicyShop(tmp_path, "")
    app = create_app(shop.settings)
    with running(shop.settings, app) as url, shop.client(url) as api:
        assert shown(api, customer_id="customer-03")[0] != "tool-3"
        shop.change(app, OVERSTOCKED)
        assert shown(api, customer_id="customer-03")[0] == "tool-3"
        shop.change(app, '[default]\nattributes = { inventory_alert = ["overstock", "low_stock"] }')
        assert set(shown(api)) == {"tool-2", "tool-3"}


def test_an_item_that_runs_out_before_delivery_is_not_boosted_until_more_has_come(tmp_path: Path) -> None:
    shop = PolicyShop(tmp_path, "")
    app = create_app(shop.settings)
    everything = {"customer_id": "customer-02", "k": 16}
    with running(shop.settings, app) as url, shop.client(url) as api:

        def tools_shown() -> set[str]:
            answer = api.get("/v1/recommendations", params=everything).json()["items"]
            ranked = [item["item_id"] for item in answer]
            first_tea = next(place for place, item in enumerate(ranked) if item in TEA)
            return set(ranked[:first_tea])

        shop.change(app, BOOSTED_TOOLS)
        lifted = tools_shown()
        assert "tool-1" not in lifted
        shop.change(app, "[default]\npush_running_out = true\n" + BOOSTED_TOOLS)
        assert tools_shown() == lifted | {"tool-1"}  # the control
        shop.change(app, BOOSTED_TOOLS)
        api.post("/v1/items", json={"items": [{"item_id": "tool-1", "stock": 8}]})
        assert "tool-1" not in tools_shown()
        api.post("/v1/items", json={"items": [{"item_id": "tool-1", "stock": 500}]})
        assert "tool-1" in tools_shown()


def test_no_request_can_filter_by_inventory_alerts(tmp_path: Path) -> None:
    shop = PolicyShop(tmp_path, OVERSTOCKED)
    with running(shop.settings) as url, shop.client(url) as api:
        assert asked(api, attribute="inventory_alert:overstock")["items"] == []
