"""Catalogue updates over HTTP: a new item can be recommended as soon as the request is answered."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import httpx
import pytest

from contracts.logs.catalogue import CatalogueLog
from recsys.retrieval import content
from serving.app import create_app
from serving.http.schemas.catalogue_updates import ItemUpdatesAnswer
from tests.serving.conftest import Shop, shop_settings
from tests.serving.running import running
from tests.serving.shop import TEA, publish_shop

NEW = {"item_id": "tea-new", "name": "New tea", "category": "tea", "price": 4.25, "stock": 3}


@pytest.fixture
def own_shop(tmp_path: Path) -> Iterator[Shop]:
    """A shop for one test, since updates stay."""
    settings, keys = shop_settings(tmp_path)
    publish_shop(settings, "v1")
    with running(settings) as url:
        yield Shop(settings, url, keys)


def post_items(client: httpx.Client, *items: dict[str, Any]) -> httpx.Response:
    return client.post("/v1/items", json={"items": list(items)})


def shown(client: httpx.Client, **asked: Any) -> dict[str, dict[str, Any]]:
    answer = client.get("/v1/recommendations", params={"k": 50} | asked)
    assert answer.status_code == 200, answer.text
    return {item["item_id"]: item for item in answer.json()["items"]}


def test_a_new_item_is_shown_at_once_with_its_name_and_price(own_shop: Shop) -> None:
    with own_shop.client() as api:
        assert "tea-new" not in shown(api, placement="new_arrivals")
        answer = post_items(api, NEW)
        assert answer.json() == {"success": True, "told": 1, "repaired": 0, "bundle_version": "v1", "warnings": []}
        ItemUpdatesAnswer.model_validate_json(answer.content)
        found = shown(api, placement="new_arrivals")["tea-new"]
        assert (found["name"], found["category"], found["price"]) == ("New tea", "tea", 4.25)
        assert next(iter(shown(api, placement="new_arrivals"))) == "tea-new"
        assert set(shown(api, category="tea")) == {*TEA, "tea-new"}


def test_the_price_and_the_stock_of_a_known_item_are_updated(own_shop: Shop) -> None:
    with own_shop.client() as api:
        assert shown(api)["tea-1"]["price"] == 2.0
        post_items(api, {"item_id": "tea-1", "price": 7.5}, {"item_id": "tea-2", "stock": 0})
        assert shown(api)["tea-1"]["price"] == 7.5
        assert "tea-2" not in shown(api)
        post_items(api, {"item_id": "tea-2", "stock": 5})
        assert {"tea-1", "tea-2"} <= set(shown(api))
        assert shown(api)["tea-1"]["price"] == 7.5  # a field that is left out stays as it was


def test_a_faulty_field_loses_itself_and_neither_the_item_nor_the_others(own_shop: Shop) -> None:
    with own_shop.client() as api:
        faulty = {"price": "free", "stock": -2, "name": 7, "attributes": {"tags": ["x"], "colour": "red"}}
        answer = post_items(api, {"item_id": "tea-1"} | faulty, {"item_id": "tea-2", "stock": 0}).json()
        assert (answer["told"], answer["repaired"]) == (2, 1)
        assert answer["warnings"] == [
            "item 'tea-1': repaired or left out: name, price (unreadable), stock (negative), "
            "attributes.tags (unreadable)"
        ]
        assert not {"tea-1", "tea-2"} & set(shown(api))
        post_items(api, {"item_id": "tea-1", "stock": 5})
        assert shown(api)["tea-1"]["price"] == 2.0
    stored = {(u.item_id, u.name): u.value for u in CatalogueLog(own_shop.settings.items_path).read()}
    assert stored["tea-1", "attributes"] == {"colour": "red"}
    assert ("tea-1", "price") not in stored


def test_a_supply_term_that_training_cannot_use_is_answered_with_a_warning(own_shop: Shop) -> None:
    with own_shop.client() as api:
        terms = {"lead_time_days": "3 weeks", "pack_size": 6, "colour": "white"}
        answer = post_items(api, {"item_id": "tea-1", "attributes": terms}).json()
    assert [text.partition(";")[0] for text in answer["warnings"]] == ["item 'tea-1': lead_time_days is '3 weeks'"]


def test_an_item_is_not_shown_before_its_launch(own_shop: Shop) -> None:
    with own_shop.client() as api:
        post_items(api, NEW | {"available_from": "2999-01-01T00:00:00Z"})
        assert "tea-new" not in shown(api)
        post_items(
            api, NEW | {"available_from": "2025-06-02T00:00:00+02:00"}
        )  # after the bundle's as_of, but out by now
        assert "tea-new" in shown(api)


def test_updates_outlive_a_restart_and_a_new_bundle(own_shop: Shop) -> None:
    with own_shop.client() as api:
        post_items(api, NEW)
    publish_shop(own_shop.settings, "v2")
    with running(own_shop.settings) as url, httpx.Client(base_url=url, headers=_key(own_shop), verify=False) as again:
        assert again.get("/ready").json()["bundle_version"] == "v2"
        assert "tea-new" in shown(again)


def test_updates_reach_another_worker(own_shop: Shop) -> None:
    app = create_app(own_shop.settings)
    with (
        running(own_shop.settings, app) as url,
        httpx.Client(base_url=url, headers=_key(own_shop), verify=False) as other,
    ):
        with own_shop.client() as api:
            post_items(api, NEW)
        app.state.service.bundles.refresh()
        assert "tea-new" in shown(other)


def test_updates_before_the_first_bundle_are_kept(empty_shop: Shop) -> None:
    with empty_shop.client() as api:
        answer = post_items(api, NEW).json()
        assert answer == {"success": True, "told": 1, "repaired": 0, "bundle_version": None, "warnings": []}
    publish_shop(empty_shop.settings, "v1")
    with running(empty_shop.settings) as url, httpx.Client(base_url=url, headers=_key(empty_shop), verify=False) as api:
        assert "tea-new" in shown(api)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"items": []}, "length >= 1"),
        ({"items": [{"item_id": "a"}] * 1001}, "length <= 1000"),
        ({"items": [{"name": "no id"}]}, "items.0.item_id"),
        ({"items": [{"item_id": "a", "colour": "red"}]}, "items.0.colour"),
        ({"items": ["a"]}, "items.0"),
        ({"items": [{"item_id": "a", "attributes": dict.fromkeys(map(str, range(51)), 1)}]}, "items.0.attributes"),
    ],
)
def test_bad_items_are_refused_whole(api: httpx.Client, shop: Shop, body: dict[str, Any], says: str) -> None:
    before = CatalogueLog(shop.settings.items_path).read()
    answer = api.post("/v1/items", json=body)
    assert answer.status_code == 422
    assert says in answer.json()["detail"]
    assert CatalogueLog(shop.settings.items_path).read() == before


def test_a_stored_item_that_cannot_be_shown_is_left_out_and_the_others_are_served(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings, keys = shop_settings(tmp_path)
    publish_shop(settings, "v1")
    log = CatalogueLog(settings.items_path)  # as a version without bounds stored it
    log.append([("absurd", {"price": 1e308}), ("tea-new", {"item_name": "New tea"})], datetime.now(UTC))
    log.close()
    with (
        running(settings) as url,
        httpx.Client(base_url=url, headers={"X-API-Key": keys["admin"]}, verify=False) as api,
    ):
        assert api.get("/ready").json()["is_current"] is True
        found = shown(api)
        assert "tea-new" in found
        assert "absurd" not in found
        assert post_items(api, {"item_id": "absurd", "price": 3}).status_code == 200
        assert shown(api)["absurd"]["price"] == 3
    assert [r.args[0] for r in caplog.records if "cannot be shown" in r.message] == ["absurd"]  # type: ignore[index]


def test_an_item_that_cannot_be_shown_is_not_stored(own_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def overflow(*_: object) -> list[int]:
        raise OverflowError

    with own_shop.client() as api:
        with monkeypatch.context() as patched:
            patched.setattr(content, "tokens_of", overflow)
            answer = post_items(api, NEW)
        assert answer.status_code == 422
        assert "'tea-new' cannot be shown" in answer.json()["detail"]
        assert CatalogueLog(own_shop.settings.items_path).read() == []
        assert post_items(api, NEW).status_code == 200


@pytest.mark.parametrize("key", ["events", "storefront", "backoffice"])
def test_no_key_that_a_web_page_may_hold_can_change_items(shop: Shop, key: str) -> None:
    with shop.client(key) as client:
        assert post_items(client, NEW).status_code == 403


def test_items_that_cannot_be_stored_are_503_and_never_200(own_shop: Shop) -> None:
    connection = apsw.Connection(str(own_shop.settings.items_path))
    connection.execute("DROP TABLE words")
    connection.close()
    with own_shop.client() as api:
        answer = post_items(api, NEW)
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert str(own_shop.settings.home) not in answer.text
        assert shown(api)  # what is served goes on


def _key(shop: Shop) -> dict[str, str]:
    return {"X-API-Key": shop.keys["admin"]}


def test_a_flag_is_a_numeric_attribute(own_shop: Shop) -> None:
    with own_shop.client("catalogue") as client:
        answer = post_items(client, {"item_id": "tea-1", "attributes": {"organic": True, "colour": "green"}})
    assert answer.status_code == 200, answer.text
