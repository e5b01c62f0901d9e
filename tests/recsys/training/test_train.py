"""Training: which groups the rankers learn from, and what comes of them."""

from dataclasses import replace

import numpy as np
import pytest

from contracts.errors import NotEnoughData
from recsys.data.catalogue import Items
from recsys.data.sessions import SessionLog
from recsys.data.user_history import UserHistory
from recsys.parameters import RecommendParameters
from recsys.ranking.features import Candidates
from recsys.ranking.pipeline import CandidatePipeline
from recsys.ranking.ranker import MOMENTS, TrainingGroups
from recsys.recommender import Recommender
from recsys.request import Query, SessionEvent
from recsys.retrieval.retriever import Retriever
from recsys.training.examples import Cases
from recsys.training.time_split import Window
from recsys.training.train import fit_recommender, training_groups
from tests.recsys.stores import (
    DAY,
    ORDER,
    SMALL,
    Row,
    checkerboard,
    checkerboard_recommender,
    colour,
    interactions,
    item_ids,
    shown,
)

ITEMS = Items.of(item_ids(40), names=[f"Item {n}" for n in range(40)])
WINDOW = Window(50 * DAY, 60 * DAY)


@pytest.mark.parametrize("ranker", ["lambdamart", "blend"])
def test_the_checkerboard_is_solved_exactly(ranker: str) -> None:
    """Every item that a customer's own taste holds comes before every item of the other taste."""
    parameters = SMALL if ranker == "lambdamart" else replace(SMALL, minimum_groups=10**9)
    recommender = checkerboard_recommender(parameters)
    assert {recommender.rankers[moment].name for moment in MOMENTS} == {ranker}
    for number in range(80):
        customer_id = f"customer-{number:03d}"
        found = shown(recommender.recommend(Query(customer_id=customer_id, k=20)))
        assert {colour(item) for item in found} == {number % 2}
        other_taste = tuple(SessionEvent(f"item-{1 - number % 2 + 2 * n:03d}") for n in range(2))
        visit = shown(recommender.recommend(Query(session=other_taste, k=10)))
        assert {colour(item) for item in visit} == {1 - number % 2}


def answers(recommender: Recommender) -> list[object]:
    customers = [recommender.histories.customers.value(n) for n in range(5)]
    return [recommender.recommend(Query(customer_id=customer, k=5)) for customer in customers]


def test_the_same_events_and_seed_give_the_same_recommender_with_any_number_of_threads() -> None:
    past = interactions(checkerboard(), ITEMS)
    first, second = (fit_recommender(past, ITEMS, 60 * DAY, SMALL, threads=threads) for threads in (1, 3))
    assert [first.rankers[moment].text for moment in MOMENTS] == [second.rankers[moment].text for moment in MOMENTS]
    assert answers(first) == answers(second)


def groups(parameters: RecommendParameters = SMALL) -> tuple[CandidatePipeline, Cases, TrainingGroups]:
    everything = interactions(checkerboard(), ITEMS)
    past = everything.before(WINDOW.start)
    retriever = Retriever.fit(past, SessionLog.of(everything), ITEMS, WINDOW.start, ORDER, parameters)
    pipeline = CandidatePipeline.of(retriever)
    cases = Cases.at_start(everything, WINDOW, ORDER)
    return pipeline, cases, training_groups(pipeline, cases, parameters, seed=1, threads=1)


def test_labels_are_what_was_chosen_among_the_candidates() -> None:
    pipeline, cases, found = groups(replace(SMALL, negatives_per_case=10**6))
    features, labels = [], []
    for case in range(len(cases)):
        shopper = cases.shopper(case, pipeline.retriever.log, 300)
        candidates = pipeline.candidates(shopper, pipeline.retriever.everything)
        features.append(candidates.features)
        labels.append(np.isin(candidates.items, cases.targets[cases.target_rows == case]))
    assert all(label.any() for label in labels)
    np.testing.assert_array_equal(found.features, np.concatenate(features))
    np.testing.assert_array_equal(found.labels, np.concatenate(labels))
    assert found.sizes.tolist() == [len(label) for label in labels]


def test_negatives_are_sampled_and_positives_are_kept() -> None:
    whole, few = (groups(replace(SMALL, negatives_per_case=n))[2] for n in (10**6, 5))
    assert few.labels.sum() == whole.labels.sum()
    assert (few.sizes - np.add.reduceat(few.labels, np.cumsum(few.sizes) - few.sizes) == 5).all()


def test_a_case_whose_targets_are_no_candidates_teaches_nothing() -> None:
    pipeline, cases, whole = groups()
    missed = replace(cases, targets=np.full(len(cases.targets), 39, np.int32))
    never = np.arange(40) != 39
    few = training_groups(Unable(pipeline, never), missed, SMALL, seed=1, threads=1)
    assert len(whole.sizes) == len(cases)
    assert (len(few.sizes), few.features.shape) == (0, (0, len(pipeline.features.names)))


def test_cases_that_are_asked_without_what_is_known_have_no_such_candidate() -> None:
    pipeline, cases, _ = groups()
    known = {}
    for share in (0.0, 1.0):
        found = training_groups(pipeline, cases, SMALL, seed=1, threads=1, without_known=share)
        known[share] = (found.features[:, pipeline.features.place["interest"]] > 0).mean()
    assert known[0.0] > 0.1
    assert known[1.0] == 0.0


class Unable:
    """A pipeline that never retrieves some items."""

    def __init__(self, pipeline: CandidatePipeline, allowed: np.ndarray) -> None:
        self.pipeline, self.allowed = pipeline, allowed

    def candidates(self, shopper: UserHistory, eligible: np.ndarray) -> Candidates:
        return self.pipeline.candidates(shopper, eligible & self.allowed)

    def __getattr__(self, name: str) -> object:
        return getattr(self.pipeline, name)


def test_each_moment_has_a_ranker_of_its_own() -> None:
    recommender = checkerboard_recommender()
    texts = [recommender.rankers[moment].text for moment in MOMENTS]
    assert texts[0] != texts[1]
    assert all(recommender.ranker_groups[moment] > SMALL.minimum_groups for moment in MOMENTS)


def test_earlier_windows_teach_too_while_the_last_has_few_groups() -> None:
    many = checkerboard_recommender(replace(SMALL, enough_groups=10**9)).ranker_groups
    few = checkerboard_recommender(replace(SMALL, enough_groups=1)).ranker_groups
    for moment in MOMENTS:
        assert many[moment] > 1.5 * few[moment]


def test_no_more_cases_are_taken_than_wanted() -> None:
    counts = checkerboard_recommender(replace(SMALL, training_cases=50)).ranker_groups
    assert all(20 <= counts[moment] <= 50 for moment in MOMENTS)


def test_too_small_a_store_says_what_it_needs() -> None:
    rows: list[Row] = [("a", "item-000", "view", 1.0)]
    with pytest.raises(NotEnoughData, match=r"at least 20 .* has 1"):
        fit_recommender(interactions(rows, ITEMS), ITEMS, 60 * DAY, SMALL, threads=1)
