import pytest

from recsys.data.catalogue_updates import ItemUpsert
from recsys.retrieval import content
from serving.answers.showable_items import with_showable
from tests.serving.shop import shop_recommender

ITEMS = [ItemUpsert(f"new-{number}", name=f"New {number}", category="tea") for number in range(5)]


def test_items_without_a_fault_are_all_there() -> None:
    updated, refused = with_showable(shop_recommender(), ITEMS)
    assert refused == {}
    assert updated.retriever.items.ids.values()[-5:] == [item.item_id for item in ITEMS]


def test_an_item_that_raises_is_left_out_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = content.tokens_of

    def tokens_or_overflow(items: object, item: int) -> list[int]:
        if items.ids.value(item) in {"new-1", "new-4"}:  # type: ignore[attr-defined]
            raise OverflowError("cannot convert float infinity to integer")
        return tokens(items, item)  # type: ignore[arg-type]

    monkeypatch.setattr(content, "tokens_of", tokens_or_overflow)
    updated, refused = with_showable(shop_recommender(), ITEMS)
    assert sorted(refused) == ["new-1", "new-4"]
    assert refused["new-1"].startswith("OverflowError")
    assert updated.retriever.items.ids.values()[-3:] == ["new-0", "new-2", "new-3"]
