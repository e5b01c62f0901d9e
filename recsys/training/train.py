"""Training: the sources on everything before `as_of`, the rankers on what shoppers chose in the windows before it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Final

import numpy as np

from contracts.errors import NotEnoughData
from contracts.progress import Progress, silent
from recsys.data.catalogue import Items
from recsys.data.interactions import Interactions
from recsys.data.sessions import SessionLog
from recsys.parameters import RecommendParameters
from recsys.ranking.pipeline import CandidatePipeline
from recsys.ranking.pre_ranker import learned_weights
from recsys.ranking.ranker import MOMENTS, Ranker, TrainingGroups, train_ranker
from recsys.recommender import Recommender
from recsys.retrieval.retriever import Retriever
from recsys.training.examples import Cases
from recsys.training.time_split import last_window, target_kind, windows_back

BLOCK: Final = 250  # cases that one thread takes at a time
LEAST_KNOWN: Final = 0.01  # of the targets that were known before, below which nothing known is expected to be chosen
WITHOUT_KNOWN: Final = 0.9  # of the cases that are then asked without what is known; the others teach that it is not


def fit_recommender(
    interactions: Interactions,
    items: Items,
    as_of: int,
    parameters: RecommendParameters,
    seed: int = 7,
    threads: int = 2,
    progress: Progress = silent,
) -> Recommender:
    """A recommender that has seen nothing at or after `as_of` (seconds since 1970 UTC).

    Raises NotEnoughData. Where too few customers came back in the last windows, a fixed blend ranks instead of
    LambdaMART, and the parameters say so.
    """
    past = interactions.before(as_of)
    if len(past) < parameters.minimum_interactions:
        raise NotEnoughData(
            f"recommendations need at least {parameters.minimum_interactions:,} views, carts or ordered items of "
            f"customers who allow personalization; the store has {len(past):,}. Ingest more events."
        )
    window = last_window(int(past.times.min()), as_of, parameters.test_window_days)
    found = target_kind(past, window, parameters.minimum_cases)
    kind = int(past.kinds.max()) if found is None else found
    log = SessionLog.of(past)
    teaching = _Teaching(past, log, items, kind, parameters, seed, threads)
    groups = teaching.groups(windows_back(window, int(past.times.min()), parameters.label_windows), progress)
    progress("recommend: candidate sources")
    pipeline = CandidatePipeline.of(Retriever.fit(past, log, items, as_of, kind, parameters, seed, threads))
    if teaching.weights is not None:
        pipeline = pipeline.with_pre_ranker(teaching.weights, parameters.candidates)
    rankers = {}
    for moment in MOMENTS:
        progress(f"recommend: ranker of the {moment}")
        enough = len(groups[moment].sizes) >= parameters.minimum_groups
        rankers[moment] = (
            train_ranker(groups[moment], pipeline.features.names, parameters, seed, threads)
            if enough
            else Ranker(pipeline.features.names)
        )
    counts = {moment: len(groups[moment].sizes) for moment in MOMENTS}
    return Recommender(pipeline, past.latest(parameters.visitor_interactions), rankers, ranker_groups=counts)


class _Teaching:
    """What the groups of every window are made from."""

    def __init__(
        self,
        past: Interactions,
        log: SessionLog,
        items: Items,
        kind: int,
        parameters: RecommendParameters,
        seed: int,
        threads: int,
    ) -> None:
        self._past, self._log, self._items, self._kind = past, log, items, kind
        self._parameters, self._seed, self._threads = parameters, seed, threads
        self.weights: np.ndarray | None = None  # of the pre-ranker, learned from the last window
        self._without_known: dict[str, float] = {}  # for each moment the share of its cases, from the last window

    def groups(self, windows: Iterator[Any], progress: Progress) -> dict[str, TrainingGroups]:
        """Groups of the last window and, while there are few, of the windows before it.

        The fitted sources that retrieve a window's candidates know nothing later than its start.
        """
        limit = self._parameters.training_cases
        parts: dict[str, list[TrainingGroups]] = {moment: [] for moment in MOMENTS}
        for window in windows:
            progress("recommend: what shoppers chose next")
            earlier = self._past.before(window.start)
            fitted = Retriever.fit(
                earlier, self._log, self._items, window.start, self._kind, self._parameters, self._seed, self._threads
            )
            teacher = CandidatePipeline.of(fitted)
            at = {
                "start": Cases.at_start(self._past, window, self._kind).with_history(),
                "visit": Cases.in_visits(
                    self._past, window, self._kind, self._seed, self._parameters.stale_days
                ).with_history(),
            }
            if self.weights is None:
                self._without_known = {moment: self._asked_without_known(cases) for moment, cases in at.items()}
                self.weights = np.stack(
                    [self._learned_weights(teacher, place, at[m]) for place, m in enumerate(MOMENTS)]
                )
            teacher = teacher.with_pre_ranker(self.weights, self._parameters.candidates)
            for moment, cases in at.items():
                missing = limit - sum(len(part.sizes) for part in parts[moment])
                if missing > 0:
                    chosen = cases.sampled(missing, self._seed)
                    share = self._without_known[moment]
                    parts[moment].append(
                        training_groups(teacher, chosen, self._parameters, self._seed, self._threads, share)
                    )
            if all(self._are_enough(found) for found in parts.values()):
                break
        return {moment: TrainingGroups.joined(found) for moment, found in parts.items()}

    def _asked_without_known(self, cases: Cases) -> float:
        """The share of the cases to ask as who wants to see nothing known: most, where nothing known is chosen again.

        There, what is known only takes the place of candidates among which the ranker could learn to choose.
        """
        some = cases.sampled(self._parameters.prior_cases, self._seed)
        known = [np.zeros(0, bool)]
        for case in range(len(some)):
            targets = some.targets[some.target_offsets[case] : some.target_offsets[case + 1]]
            known.append(np.isin(targets, some.shopper(case, self._log, self._parameters.visitor_interactions).items))
        is_known = np.concatenate(known)
        return WITHOUT_KNOWN if len(is_known) and is_known.mean() < LEAST_KNOWN else 0.0

    def _learned_weights(self, teacher: CandidatePipeline, place: int, cases: Cases) -> np.ndarray:
        """Of one moment, from some of its cases and more candidates than the ranker will see."""
        defaults = teacher.pre_ranker.weights
        wide = teacher.with_pre_ranker(defaults, self._parameters.prior_candidates)
        everything = replace(self._parameters, negatives_per_case=self._parameters.prior_candidates)
        chosen = cases.sampled(self._parameters.prior_cases, self._seed)
        share = self._without_known[MOMENTS[place]]
        groups = training_groups(wide, chosen, everything, self._seed, self._threads, share)
        scores = groups.features[:, : teacher.features.columns]
        return learned_weights(scores, groups.labels, groups.sizes, defaults[place], self._seed)

    def _are_enough(self, parts: list[TrainingGroups]) -> bool:
        """Many groups, or so few that all the windows together would not train a ranker."""
        hopeless = len(parts[-1].sizes) * self._parameters.label_windows < self._parameters.minimum_groups
        return hopeless or sum(len(part.sizes) for part in parts) >= self._parameters.enough_groups


def training_groups(
    pipeline: CandidatePipeline,
    cases: Cases,
    parameters: RecommendParameters,
    seed: int,
    threads: int,
    without_known: float = 0.0,
) -> TrainingGroups:
    """The candidates of the cases, labelled 1 where they were chosen; a case without a chosen candidate is left out.

    Of the candidates that were not chosen, `negatives_per_case` are kept, at random. `without_known` is the share of
    the cases, drawn at random, that get no candidate which their shopper has touched before.
    """
    blocks = [np.arange(start, min(start + BLOCK, len(cases))) for start in range(0, len(cases), BLOCK)]

    def of_block(block: np.ndarray) -> TrainingGroups:
        random = np.random.default_rng([seed, int(block[0])])
        return _groups_of(pipeline, cases, block, parameters, random, without_known)

    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(of_block, blocks))
    width = len(pipeline.features.names)
    empty = TrainingGroups(np.zeros((0, width), np.float32), np.zeros(0, np.int8), np.zeros(0, np.int64))
    return TrainingGroups.joined([empty, *parts])


def _groups_of(
    pipeline: CandidatePipeline,
    cases: Cases,
    block: np.ndarray,
    parameters: RecommendParameters,
    random: np.random.Generator,
    without_known: float,
) -> TrainingGroups:
    features, labels, sizes = [], [], []
    for case in block.tolist():
        shopper = cases.shopper(case, pipeline.retriever.log, parameters.visitor_interactions)
        eligible = pipeline.retriever.everything
        if cases.cues[case] >= 0:
            eligible = eligible.copy()
            eligible[cases.cues[case]] = False  # the open page is not to be guessed
        if without_known and random.random() < without_known:
            eligible = eligible.copy()
            eligible[shopper.items] = False
        candidates = pipeline.candidates(shopper, eligible)
        targets = cases.targets[cases.target_offsets[case] : cases.target_offsets[case + 1]]
        label = np.isin(candidates.items, targets)
        if not label.any():
            continue
        others = np.flatnonzero(~label)
        if len(others) > parameters.negatives_per_case:
            others = random.choice(others, parameters.negatives_per_case, replace=False)
        kept = np.sort(np.concatenate([np.flatnonzero(label), others]))
        features.append(candidates.features[kept])
        labels.append(label[kept].astype(np.int8))
        sizes.append(len(kept))
    if not sizes:
        return TrainingGroups(
            np.zeros((0, len(pipeline.features.names)), np.float32), np.zeros(0, np.int8), np.zeros(0, np.int64)
        )
    return TrainingGroups(np.concatenate(features), np.concatenate(labels), np.array(sizes))
