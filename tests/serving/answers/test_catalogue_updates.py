from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.catalogue_log import ItemLog
from serving.answers.catalogue_updates import Arrivals, stated
from tests.serving.shop import AS_OF, shop_recommender

DAY = timedelta(days=1)
NOW = AS_OF + 2 * DAY


@pytest.fixture
def arrivals(tmp_path: Path) -> Arrivals:
    return Arrivals(ItemLog(tmp_path / "items.sqlite"))


def tell(arrivals: Arrivals, item_id: str, told_at: datetime, **fields: Any) -> None:
    arrivals.tell([(item_id, stated(fields))], told_at)
    arrivals.refresh()


def test_of_known_items_only_what_was_told_after_the_bundles_events_is_news(arrivals: Arrivals) -> None:
    tell(arrivals, "tea-1", AS_OF - DAY, price=1.5)
    tell(arrivals, "tea-2", AS_OF + DAY, price=2.5)
    tell(arrivals, "new", AS_OF - DAY, name="New", attributes={"colour": "red"})
    news = {item.item_id: item for item in arrivals.news_to(shop_recommender(), NOW)}
    assert sorted(news) == ["new", "tea-2"]
    assert (news["tea-2"].price, news["tea-2"].available_from) == (2.5, None)
    assert (news["new"].name, news["new"].attributes) == ("New", {"colour": "red"})


def test_an_old_word_does_not_come_back_with_a_new_one(arrivals: Arrivals) -> None:
    tell(arrivals, "tea-1", AS_OF - DAY, stock=0.0)
    tell(arrivals, "tea-1", AS_OF + DAY, price=2.5)
    (news,) = arrivals.news_to(shop_recommender(), NOW)
    assert (news.price, news.stock) == (2.5, None)


def test_what_is_out_by_now_is_out_at_the_recommenders_own_clock(arrivals: Arrivals) -> None:
    tell(arrivals, "unsaid", AS_OF + DAY)
    tell(arrivals, "out", AS_OF + DAY, available_from=(AS_OF + DAY).isoformat())
    tell(arrivals, "soon", AS_OF + DAY, available_from=(NOW + DAY).isoformat())
    tell(arrivals, "long", AS_OF - DAY, available_from=(AS_OF - 9 * DAY).isoformat())
    launches = {item.item_id: item.available_from for item in arrivals.news_to(shop_recommender(), NOW)}
    assert launches == {"unsaid": AS_OF, "out": AS_OF, "soon": NOW + DAY, "long": AS_OF - 9 * DAY}


def test_the_next_launch_is_known(arrivals: Arrivals) -> None:
    assert arrivals.next_launch(NOW) is None
    for days in (-1, 3, 2):
        tell(arrivals, f"in-{days}", AS_OF, available_from=(NOW + days * DAY).isoformat())
    assert arrivals.next_launch(NOW) == datetime(2025, 6, 5, tzinfo=UTC)
    assert arrivals.next_launch(NOW + 3 * DAY) is None


def test_the_version_grows_with_every_word(arrivals: Arrivals) -> None:
    tell(arrivals, "a", NOW, price=1)
    before = arrivals.version
    arrivals.refresh()
    assert arrivals.version == before
    tell(arrivals, "a", NOW, price=2)
    assert arrivals.version > before
