"""Content: items that nobody touched yet, found by the catalogue's words."""

from typing import Any

import numpy as np
import pytest

from recsys.data.catalogue import Items
from recsys.ranking.similarity_features import ContentFeatures
from recsys.retrieval.content import COLD_CUSTOMERS, MAX_TOKENS, PER_TOKEN, Content, tokens_of
from tests.recsys.stores import SMALL, VIEW, Row, item_ids, pointwise_features, retrieved_scores, state, user

NAMES = ["Green tea", "Red tea", "Clay pot", "Black tea", "Iron pot", "Lamp", None]
CATEGORIES = ["tea", "tea", "pots", "tea", "pots", "lamps", None]
GREEN, RED, CLAY, BLACK, IRON, LAMP, SILENT = range(7)
COUNT = len(NAMES)
WARM = (GREEN, RED, CLAY)
EVERYTHING = np.ones(COUNT, bool)


def touched(*numbers: int, customers: int = int(COLD_CUSTOMERS)) -> list[Row]:
    return [(f"c{n}", f"item-{item:03d}", "view", 50.0) for item in numbers for n in range(customers)]


def fitted(rows: list[Row], **columns: Any) -> Content:
    columns = columns or {"names": NAMES, "categories": CATEGORIES}
    return Content.fit(state(rows, Items.of(item_ids(len(next(iter(columns.values())))), **columns), 60))


def proposed(source: Content, *viewed: int, count: int = COUNT) -> dict[int, float]:
    return retrieved_scores(source, user([], session=[(item, VIEW) for item in viewed]), count)["content"]


def similarity(source: Content, viewed: int, *others: int) -> list[float]:
    return pointwise_features(ContentFeatures(source), user([], session=[(viewed, VIEW)]), others)["content_similarity"]


def test_an_item_that_nobody_touched_is_proposed_by_its_words() -> None:
    source = fitted(touched(*WARM))
    assert set(proposed(source, GREEN)) == {BLACK}
    assert set(proposed(source, CLAY)) == {IRON}
    assert proposed(source, GREEN)[BLACK] == pytest.approx(similarity(source, GREEN, BLACK)[0])


def test_items_that_people_know_are_not_proposed_this_way() -> None:
    assert RED not in proposed(fitted(touched(*WARM)), GREEN)
    assert RED in proposed(fitted(touched(GREEN, CLAY)), GREEN)
    hardly = touched(RED, customers=int(COLD_CUSTOMERS) - 1)
    assert RED in proposed(fitted([*touched(GREEN, CLAY), *hardly]), GREEN)
    long_ago = [(customer, item, kind, 1.0) for customer, item, kind, _ in touched(RED)]
    assert RED in proposed(fitted(long_ago), GREEN)


def test_similarity_is_the_cosine_of_the_words_whoever_proposed_the_item() -> None:
    source = fitted(touched(*WARM))
    own, red, clay, silent = similarity(source, GREEN, GREEN, RED, CLAY, SILENT)
    assert own == pytest.approx(1, abs=1e-5)
    assert 0 < red < 1
    assert clay == silent == 0
    # By hand: of eight documents' worth three teas share category and word, each has a word of its own.
    common, rare = np.log(8 / 4), np.log(8 / 2)
    assert red == pytest.approx(2 * common**2 / (2 * common**2 + rare**2), rel=1e-5)


def test_what_was_done_more_counts_more() -> None:
    source = fitted(touched(*WARM))
    found = retrieved_scores(source, user([(CLAY, VIEW, 90.0)], session=[(GREEN, VIEW)]), COUNT)["content"]
    assert found[BLACK] > found[IRON] > 0


def test_words_prices_brands_and_attributes_all_count() -> None:
    assert similarity(fitted([], price=np.array([10, 10.5, 40, np.nan])), 0, 1, 2, 3) == pytest.approx([1, 0, 0])
    assert similarity(fitted([], brands=["acme", "acme", "best", None]), 0, 1, 2, 3) == pytest.approx([1, 0, 0])
    colours = [{"colour": "red"}, {"colour": "red"}, {"colour": "blue"}, {"shade": "red"}]
    assert similarity(fitted([], attributes=colours), 0, 1, 2, 3) == pytest.approx([1, 0, 0])
    assert similarity(fitted([], names=["BIG pan", "a big one", "pen", None]), 0, 1, 2)[1:] == [0]
    assert similarity(fitted([], names=["BIG pan", "a big one", "pen", None]), 0, 1)[0] > 0


def test_a_word_brings_in_its_newest_items() -> None:
    many = PER_TOKEN + 10
    names = [*(f"kettle {n:02d}" for n in range(many)), *(["something"] * 9)]
    rows: list[Row] = [("a", f"item-{n:03d}", "view", 1.0 + n / 2) for n in range(many - 1)]
    found = proposed(fitted(rows, names=names), 0, count=len(names))
    assert sorted(found) == list(range(10, many))  # the last one was never seen: it is the newest


def test_where_the_catalogue_is_silent_nothing_is_said() -> None:
    silent = fitted([], names=[None] * COUNT)
    assert proposed(silent, GREEN) == {}
    assert similarity(silent, GREEN, GREEN, RED) == [0, 0]
    assert silent.most_similar(GREEN, EVERYTHING, 3, 0) == {}
    alike = fitted([], names=["same words"] * COUNT)  # which tell no item from another
    assert proposed(alike, GREEN) == {}
    source = fitted(touched(*WARM))
    assert proposed(source, SILENT) == {}
    assert source.most_similar(SILENT, EVERYTHING, 3, 0) == {}


def test_of_a_cold_start_user_nothing_is_said() -> None:
    source = fitted(touched(*WARM))
    assert proposed(source) == {}
    assert pointwise_features(ContentFeatures(source), user([]), [BLACK, RED])["content_similarity"] == [0, 0]


def test_the_most_similar_are_cold_ones_and_any_where_too_few_were_found() -> None:
    source = fitted(touched(*WARM))
    enough = source.most_similar(GREEN, EVERYTHING & (np.arange(COUNT) != GREEN), 2, found=2)
    assert enough == pytest.approx({BLACK: similarity(source, GREEN, BLACK)[0]})
    few = source.most_similar(GREEN, EVERYTHING & (np.arange(COUNT) != GREEN), 2, found=1)
    assert set(few) == {RED, BLACK}
    assert list(source.most_similar(GREEN, EVERYTHING, 1, found=0)) == [GREEN]
    assert source.most_similar(GREEN, EVERYTHING & (np.arange(COUNT) != BLACK), 2, found=2) == {}


def test_the_most_similar_come_first() -> None:
    source = fitted([], names=["big red iron pan", "red iron pan", "big pan", "red mug"])
    found = source.most_similar(0, np.arange(4) > 0, 3, found=0)
    assert list(found) == [1, 2, 3]
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_an_appended_item_is_known_by_its_words_at_once() -> None:
    rows = touched(*WARM)
    source = fitted(rows)
    more = Items.of(item_ids(COUNT + 2), names=[*NAMES, "White tea", "Steel pot"], categories=[*CATEGORIES, "tea", "x"])
    resized = source.resized(more, state(rows, more, 60).counters)
    assert set(proposed(resized, GREEN, count=COUNT + 2)) == {BLACK, COUNT}
    assert COUNT in resized.most_similar(GREEN, np.ones(COUNT + 2, bool), 2, found=2)
    assert similarity(resized, GREEN, BLACK, RED) == similarity(source, GREEN, BLACK, RED)
    assert set(proposed(resized, COUNT, count=COUNT + 2)) == {BLACK, COUNT}  # they also speak for others


def test_a_long_name_is_cut() -> None:
    items = Items.of(["a", "b"], names=[" ".join(f"word{n}" for n in range(99)), "word word word pan"])
    assert len(tokens_of(items, 0)) == MAX_TOKENS
    assert len(tokens_of(items, 1)) == 2


def test_a_source_survives_its_arrays() -> None:
    source = fitted(touched(*WARM))
    read = Content.from_arrays(source.to_arrays(), SMALL)
    assert proposed(read, GREEN, CLAY) == proposed(source, GREEN, CLAY)
    assert read.most_similar(GREEN, EVERYTHING, 3, 0) == source.most_similar(GREEN, EVERYTHING, 3, 0)
