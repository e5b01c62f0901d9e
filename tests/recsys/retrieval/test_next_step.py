"""Next step: a store whose visits either go back and forth or only ever go on."""

from functools import cache

import numpy as np
import pytest

from recsys.items import Items
from recsys.retrieval.next_step import LEAST_EXAMPLES, SHAPE, NextStep, _describe
from recsys.shopper import Shopper
from tests.recsys.stores import SMALL, VIEW, Row, item_ids, judgements, shopper, state, visit

COUNT = 60
STEPS = 12
VISITS = 1 + 2 * LEAST_EXAMPLES // (STEPS - 1)
BACK_AND_FORTH = (1, 2, 1, 2, 1, 2)
ONWARDS = (1, 2, 3, 4, 5, 6)


def rows_of(visits: int, is_mixed: bool = False) -> list[Row]:
    """Every second visit goes back and forth between two items, the others never see one again.

    Where it `is_mixed`, each step of each visit is drawn anew from the same steps, so that a visit says nothing.
    """
    random = np.random.default_rng(3)
    rows: list[Row] = []
    for number in range(visits):
        fresh = random.permutation(COUNT)[:STEPS]
        way = [int(fresh[0]), int(fresh[1])]
        for step in range(2, STEPS):
            goes_back = random.random() < 0.5 if is_mixed else number % 2
            way.append(way[-2] if goes_back else int(fresh[step]))
        rows += visit(f"c{number:05d}", 1 + number / visits, *way)
    return rows


@cache
def fitted(is_mixed: bool = False) -> NextStep:
    return NextStep.fit(state(rows_of(VISITS, is_mixed), Items.of(item_ids(COUNT)), 3))


def asked(*recent: int) -> Shopper:
    return shopper([], visit=[(item, VIEW) for item in recent])


def said(source: NextStep, *recent: int) -> dict[str, list[float]]:
    """Of the item in view, of the one before it, and of one that the visit has not seen."""
    return judgements(source, asked(*recent), [recent[-1], recent[-2], 50])


def test_who_goes_back_and_forth_goes_back_and_who_goes_on_goes_on() -> None:
    back, on = said(fitted(), *BACK_AND_FORTH)["next_step"], said(fitted(), *ONWARDS)["next_step"]
    assert back[1] > 1 > -1 > back[2]
    assert on[2] > 1 > -1 > on[1]


def test_where_visits_say_nothing_nothing_is_told_apart() -> None:
    back, on = said(fitted(is_mixed=True), *BACK_AND_FORTH), said(fitted(is_mixed=True), *ONWARDS)
    assert back["next_step"][1] == pytest.approx(on["next_step"][1], abs=1)
    assert back["next_step"][2] == pytest.approx(on["next_step"][2], abs=1)


def test_a_candidate_has_the_odds_of_its_kind_and_all_have_those_of_the_visit() -> None:
    found = said(fitted(), *BACK_AND_FORTH)
    for place, name in enumerate(("same", "previous", "new")):
        assert found["next_step"][place] == found[f"next_step_{name}"][place]
        assert len(set(found[f"next_step_{name}"])) == 1


def test_which_items_they_are_does_not_matter() -> None:
    renamed = judgements(fitted(), asked(*(item + 20 for item in BACK_AND_FORTH)), [22, 21, 50])
    assert renamed == said(fitted(), *BACK_AND_FORTH)


def test_what_came_after_the_fit_changes_nothing() -> None:
    rows = rows_of(VISITS)
    later = [row for number in range(2_000) for row in visit(f"later-{number}", 5 + number / 2_000, 7, 7, 7, 7)]
    found = state(rows + later, Items.of(item_ids(COUNT)), 9)
    at_three = state(rows, Items.of(item_ids(COUNT)), 3)
    known = type(found)(found.interactions, found.log, found.counters, found.items, at_three.now, SMALL)
    assert said(NextStep.fit(known), *BACK_AND_FORTH) == said(fitted(), *BACK_AND_FORTH)
    assert said(NextStep.fit(found), *BACK_AND_FORTH) != said(fitted(), *BACK_AND_FORTH)


def test_few_visits_and_strangers_are_told_nothing() -> None:
    few = NextStep.fit(state(rows_of(20), Items.of(item_ids(COUNT)), 3))
    assert {odds for column in said(few, *ONWARDS).values() for odds in column} == {0.0}
    nobody = judgements(fitted(), asked(), [1, 2])
    assert {odds for column in nobody.values() for odds in column} == {0.0}


def test_it_comes_back_from_its_arrays() -> None:
    arrays = fitted().to_arrays()
    assert said(NextStep.from_arrays(arrays, SMALL), *ONWARDS) == said(fitted(), *ONWARDS)
    assert NextStep(()).to_arrays() == {}


def test_the_shape_of_a_visit() -> None:
    out = np.empty(len(SHAPE), np.float32)
    _describe(np.array([5, 6, 5, 7, 7, 6], np.int32), out)
    found = dict(zip(SHAPE, out.tolist(), strict=True))
    assert (found["steps"], found["items"], found["run"]) == (6, 3, 1)
    assert [found[f"step_{back}"] for back in range(6)] == [2, 0, 7, 1, 7, 7]  # 7: new
    assert (found["early_step_1"], found["early_step_2"]) == (7, 1)
    assert (found["return_share"], found["same_steps"]) == (pytest.approx(0.6), 1)
    assert [found[f"times_{back}"] for back in range(3)] == [2, 2, 2]
    assert [found[f"first_place_{back}"] for back in range(3)] == [1, 3, 0]
    assert [found[f"steps_since_{back}"] for back in range(3)] == [0, 1, 3]
    _describe(np.array([5], np.int32), out)
    alone = dict(zip(SHAPE, out.tolist(), strict=True))
    assert (alone["step_1"], alone["early_step_1"], alone["times_1"], alone["return_share"]) == (-1, -1, -1, 0)
