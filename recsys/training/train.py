"""Training: the sources on everything before `as_of`, the rankers on what users chose in the windows before it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from contracts.errors import NotEnoughData
from contracts.progress import Progress, silent
from recsys.data.catalogue import Items
from recsys.data.interactions import Interactions
from recsys.data.sessions import SessionLog
from recsys.parameters import RecommendParameters
from recsys.ranking.pipeline import CandidatePipeline
from recsys.ranking.pre_ranker import learned_weights
from recsys.ranking.ranker import SCENARIOS, Ranker, TrainingGroups, train_ranker
from recsys.recommender import Recommender
from recsys.retrieval.retriever import Retriever
from recsys.training.examples import Examples
from recsys.training.groups import training_groups
from recsys.training.time_split import Window, last_window, target_kind, windows_back

MIN_SEEN_SHARE: Final = 0.01  # of targets that the user had seen; below it, seen items are hardly ever chosen again
EXCLUDE_SEEN_SHARE: Final = 0.9  # of the examples then exclude seen items; the others teach that they are not chosen


def fit_recommender(
    interactions: Interactions,
    items: Items,
    as_of: int,
    parameters: RecommendParameters,
    seed: int = 7,
    threads: int = 2,
    progress: Progress = silent,
    known_since: np.ndarray | None = None,
) -> Recommender:
    """A recommender that has seen nothing at or after `as_of` (seconds since 1970 UTC).

    `known_since` (items,) is when the store first knew each item, by default its first interaction. The rankers learn
    from no item that was not known when their window began: that nothing was known of it would give it away.
    Raises NotEnoughData. Where too few customers came back in the last windows, a fixed blend ranks instead of
    LambdaMART, and the parameters say so.
    """
    past = interactions.before(as_of)
    if len(past) < parameters.minimum_interactions:
        raise NotEnoughData(
            f"recommendations need at least {parameters.minimum_interactions:,} views, carts or ordered items of "
            f"customers who allow personalization; the store has {len(past):,}. Ingest more events."
        )
    first = int(past.times.min())
    window = last_window(first, as_of, parameters.test_window_days)
    found = target_kind(past, window, parameters.minimum_cases)
    kind = int(past.kinds.max()) if found is None else found
    log = SessionLog.of(past)
    since = first_interactions(past) if known_since is None else known_since
    builder = _TrainingSetBuilder(past, log, items, kind, parameters, seed, threads, since)
    groups = builder.groups(windows_back(window, first, parameters.label_windows), progress)
    progress("recommend: candidate sources")
    pipeline = CandidatePipeline.of(Retriever.fit(past, log, items, as_of, kind, parameters, seed, threads))
    if builder.weights is not None:
        pipeline = pipeline.with_pre_ranker(builder.weights, parameters.candidates)
    rankers = {}
    for scenario in SCENARIOS:
        progress(f"recommend: {scenario} ranker")
        enough = len(groups[scenario].sizes) >= parameters.minimum_groups
        rankers[scenario] = (
            train_ranker(groups[scenario], pipeline.features.names, parameters, seed, threads)
            if enough
            else Ranker(pipeline.features.names)
        )
    counts = {scenario: len(groups[scenario].sizes) for scenario in SCENARIOS}
    return Recommender(pipeline, past.latest(parameters.visitor_interactions), rankers, ranker_groups=counts)


def fit_baseline(
    interactions: Interactions,
    items: Items,
    as_of: int,
    parameters: RecommendParameters,
    seed: int = 7,
    threads: int = 2,
) -> Recommender:
    """The baseline of everything before `as_of`, ranked by personal frequency; one interaction is enough.

    Raises NotEnoughData where there is none.
    """
    past = interactions.before(as_of)
    if not len(past):
        raise NotEnoughData(
            "recommendations need a view, a cart or an ordered item of a customer who allows personalization; the "
            "store has none. Ingest more events."
        )
    retriever = Retriever.fit(past, SessionLog.of(past), items, as_of, int(past.kinds.max()), parameters, seed, threads)
    pipeline = CandidatePipeline.of(retriever)
    blend = {scenario: Ranker(pipeline.features.names) for scenario in SCENARIOS}
    return Recommender(pipeline, past.latest(parameters.visitor_interactions), blend).with_baseline_rankers()


def first_interactions(interactions: Interactions) -> np.ndarray:
    """When each item was first touched, (items,) int64; -1 for an item that never was."""
    first = np.full(interactions.item_count, np.iinfo(np.int64).max)
    np.minimum.at(first, interactions.items, interactions.times)
    return np.where(first == np.iinfo(np.int64).max, -1, first)


@dataclass
class _TrainingSetBuilder:
    """Builds the groups that the rankers learn from, and learns the pre-ranking weights from the last window."""

    past: Interactions
    log: SessionLog
    items: Items
    kind: int
    parameters: RecommendParameters
    seed: int
    threads: int
    known_since: np.ndarray
    weights: np.ndarray | None = None  # (scenarios, columns), of the pre-ranker
    exclude_seen_shares: dict[str, float] = field(default_factory=dict)  # by scenario

    def groups(self, windows: Iterator[Window], progress: Progress) -> dict[str, TrainingGroups]:
        """By scenario, groups of the last window and, while there are few, of the windows before it.

        The fitted sources that retrieve a window's candidates know nothing later than its start.
        """
        parts: dict[str, list[TrainingGroups]] = {scenario: [] for scenario in SCENARIOS}
        for window in windows:
            progress("recommend: training examples")
            pipeline, examples = self._pipeline_of(window), self._examples_of(window)
            if self.weights is None:
                self.exclude_seen_shares = {name: self._exclude_seen_share(found) for name, found in examples.items()}
                learned = [self._learned_weights(pipeline, scenario, examples[scenario]) for scenario in SCENARIOS]
                self.weights = np.stack(learned)
            pipeline = pipeline.with_pre_ranker(self.weights, self.parameters.candidates)
            for scenario, found in examples.items():
                missing = self.parameters.training_cases - _count(parts[scenario])
                if missing > 0:
                    parts[scenario].append(self._groups_of(pipeline, scenario, found, missing, self.parameters))
            if all(self._are_enough(found) for found in parts.values()):
                break
        return {scenario: TrainingGroups.joined(found) for scenario, found in parts.items()}

    def _pipeline_of(self, window: Window) -> CandidatePipeline:
        """With the sources' default pre-ranking weights."""
        earlier = self.past.before(window.start)
        start, parameters = window.start, self.parameters
        return CandidatePipeline.of(
            Retriever.fit(earlier, self.log, self.items, start, self.kind, parameters, self.seed, self.threads)
        )

    def _examples_of(self, window: Window) -> dict[str, Examples]:
        """By scenario, the examples of customers of whom something is known."""
        next_period = Examples.next_period(self.past, window, self.kind)
        next_item = Examples.next_item(self.past, window, self.kind, self.seed, self.parameters.stale_days)
        examples = dict(zip(SCENARIOS, (next_period, next_item), strict=True))
        known = self.known_since < window.start
        return {scenario: found.where(found.has_history).among(known) for scenario, found in examples.items()}

    def _groups_of(
        self,
        pipeline: CandidatePipeline,
        scenario: str,
        examples: Examples,
        limit: int,
        parameters: RecommendParameters,
    ) -> TrainingGroups:
        sampled, share = examples.sampled(limit, self.seed), self.exclude_seen_shares[scenario]
        return training_groups(pipeline, sampled, parameters, self.seed, self.threads, share)

    def _exclude_seen_share(self, examples: Examples) -> float:
        """The share of the examples that exclude seen items: most, where seen items are hardly ever chosen again.

        There, seen items only displace the candidates among which the ranker could learn to choose.
        """
        some, limit = examples.sampled(self.parameters.prior_cases, self.seed), self.parameters.visitor_interactions
        seen = [np.zeros(0, bool)]
        for example in range(len(some)):
            seen.append(np.isin(some.targets_of(example), some.user(example, self.log, limit).items))
        is_seen = np.concatenate(seen)
        return EXCLUDE_SEEN_SHARE if len(is_seen) and is_seen.mean() < MIN_SEEN_SHARE else 0.0

    def _learned_weights(self, pipeline: CandidatePipeline, scenario: str, examples: Examples) -> np.ndarray:
        """(columns,) of one scenario, from some of its examples and more candidates than the ranker will see."""
        candidates, defaults = self.parameters.prior_candidates, pipeline.pre_ranker.weights
        groups = self._groups_of(
            pipeline.with_pre_ranker(defaults, candidates),
            scenario,
            examples,
            self.parameters.prior_cases,
            replace(self.parameters, negatives_per_case=candidates),
        )
        scores, own = groups.features[:, : pipeline.features.columns], defaults[SCENARIOS.index(scenario)]
        return learned_weights(scores, groups.labels, groups.sizes, own, self.seed)

    def _are_enough(self, parts: list[TrainingGroups]) -> bool:
        """Many groups, or so few that all the windows together would not train a ranker."""
        hopeless = len(parts[-1].sizes) * self.parameters.label_windows < self.parameters.minimum_groups
        return hopeless or _count(parts) >= self.parameters.enough_groups


def _count(parts: list[TrainingGroups]) -> int:
    return sum(len(part.sizes) for part in parts)
