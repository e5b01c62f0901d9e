"""Training groups: labelled candidates of the examples, with sampled negatives."""

from dataclasses import replace
from functools import cache

import numpy as np

from recsys.data.catalogue import Items
from recsys.data.sessions import SessionLog
from recsys.data.user_history import UserHistory
from recsys.ranking.features import Candidates
from recsys.ranking.pipeline import CandidatePipeline
from recsys.ranking.ranker import TrainingGroups
from recsys.retrieval.retriever import Retriever
from recsys.training.examples import Examples
from recsys.training.groups import training_groups
from recsys.training.time_split import Window
from tests.recsys.stores import DAY, ORDER, SMALL, all_items, checkerboard, interactions, item_ids

ITEMS = Items.of(item_ids(40))
WINDOW = Window(50 * DAY, 60 * DAY)


@cache
def window() -> tuple[CandidatePipeline, Examples]:
    """A pipeline that knows what came before the window, and the window's examples."""
    everything = interactions(checkerboard(), ITEMS)
    past = everything.before(WINDOW.start)
    retriever = Retriever.fit(past, SessionLog.of(everything), ITEMS, WINDOW.start, ORDER, SMALL)
    return CandidatePipeline.of(retriever), Examples.next_period(everything, WINDOW, ORDER)


def groups(negatives: int, exclude_seen_share: float = 0.0) -> TrainingGroups:
    parameters = replace(SMALL, negatives_per_case=negatives)
    return training_groups(*window(), parameters, seed=1, threads=1, exclude_seen_share=exclude_seen_share)


def test_labels_are_what_was_chosen_among_the_candidates() -> None:
    (pipeline, examples), found = window(), groups(10**6)
    features, labels = [], []
    for example in range(len(examples)):
        user = examples.user(example, pipeline.retriever.log, 300)
        candidates = pipeline.candidates(user, all_items(pipeline.retriever))
        features.append(candidates.features)
        labels.append(np.isin(candidates.items, examples.targets[examples.target_rows == example]))
    assert all(label.any() for label in labels)
    np.testing.assert_array_equal(found.features, np.concatenate(features))
    np.testing.assert_array_equal(found.labels, np.concatenate(labels))
    assert found.sizes.tolist() == [len(label) for label in labels]


def test_negatives_are_sampled_and_positives_are_kept() -> None:
    whole, few = groups(10**6), groups(5)
    assert few.labels.sum() == whole.labels.sum()
    assert (few.sizes - np.add.reduceat(few.labels, np.cumsum(few.sizes) - few.sizes) == 5).all()


def test_an_example_whose_targets_are_no_candidates_has_no_group() -> None:
    pipeline, examples = window()
    missed = replace(examples, targets=np.full(len(examples.targets), 39, np.int32))
    never = np.arange(40) != 39
    few = training_groups(WithoutItems(pipeline, never), missed, SMALL, seed=1, threads=1)
    assert len(groups(5).sizes) == len(examples)
    assert (len(few.sizes), few.features.shape) == (0, (0, len(pipeline.features.names)))


def test_examples_that_exclude_seen_items_have_no_such_candidate() -> None:
    interest = window()[0].features.place["interest"]
    seen = {share: (groups(40, share).features[:, interest] > 0).mean() for share in (0.0, 1.0)}
    assert seen[0.0] > 0.1
    assert seen[1.0] == 0.0


class WithoutItems:
    """A pipeline that never retrieves some items."""

    def __init__(self, pipeline: CandidatePipeline, allowed: np.ndarray) -> None:
        self.pipeline, self.allowed = pipeline, allowed

    def candidates(self, user: UserHistory, eligible: np.ndarray) -> Candidates:
        return self.pipeline.candidates(user, eligible & self.allowed)

    def __getattr__(self, name: str) -> object:
        return getattr(self.pipeline, name)
