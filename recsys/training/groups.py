"""Training groups: the candidates of examples with their features and labels, as the rankers learn from them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

from recsys.parameters import RecommendParameters
from recsys.ranking.pipeline import CandidatePipeline
from recsys.ranking.ranker import TrainingGroups
from recsys.training.examples import Examples

BLOCK: Final = 250  # examples that one thread takes at a time


def training_groups(
    pipeline: CandidatePipeline,
    examples: Examples,
    parameters: RecommendParameters,
    seed: int,
    threads: int,
    exclude_seen_share: float = 0.0,
) -> TrainingGroups:
    """The candidates of the examples, labelled 1 if they were chosen; examples without such a candidate are left out.

    Of the candidates that were not chosen, `negatives_per_case` are kept, at random. `exclude_seen_share` is the share
    of the examples, drawn at random, whose candidates exclude what the user has interacted with before.
    """
    blocks = [range(start, min(start + BLOCK, len(examples))) for start in range(0, len(examples), BLOCK)]

    def of_block(block: range) -> TrainingGroups:
        random = np.random.default_rng([seed, block.start])
        return _groups_of(pipeline, examples, block, parameters, random, exclude_seen_share)

    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(of_block, blocks))
    return TrainingGroups.joined([TrainingGroups.empty(len(pipeline.features.names)), *parts])


def _groups_of(
    pipeline: CandidatePipeline,
    examples: Examples,
    block: range,
    parameters: RecommendParameters,
    random: np.random.Generator,
    exclude_seen_share: float,
) -> TrainingGroups:
    parts = [TrainingGroups.empty(len(pipeline.features.names))]
    for example in block:
        user = examples.user(example, pipeline.retriever.log, parameters.visitor_interactions)
        eligible = examples.eligible(example)
        if exclude_seen_share and random.random() < exclude_seen_share:
            eligible[user.items] = False
        candidates = pipeline.candidates(user, eligible)
        label = np.isin(candidates.items, examples.targets_of(example))
        if not label.any():
            continue
        negatives = np.flatnonzero(~label)
        if len(negatives) > parameters.negatives_per_case:
            negatives = random.choice(negatives, parameters.negatives_per_case, replace=False)
        kept = np.sort(np.concatenate([np.flatnonzero(label), negatives]))
        parts.append(TrainingGroups(candidates.features[kept], label[kept].astype(np.int8), np.array([len(kept)])))
    return TrainingGroups.joined(parts)
