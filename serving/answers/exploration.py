"""Answers with exploration: seeds the draw of a policy's exploration slots and logs what was drawn.

A logged line names no customer and no action of theirs; the shop joins it to its clicks by the answer's id.
"""

import logging
import secrets
from typing import Final

import orjson
from msgspec.structs import replace

from recsys.recommender import Recommender
from recsys.request import MAX_SEED, Answer, Query

_log: Final = logging.getLogger("serving.exploration")


def recommend_exploring(recommender: Recommender, query: Query, bundle_version: str) -> tuple[str, Answer]:
    """The answer and its id: random, so that nobody can tell from it who was answered.

    If the placement explores, each answer is drawn anew, unless the query has a seed.
    """
    explores = bool(recommender.policies[query.placement].policy.exploration.places)
    if explores and query.seed is None:
        query = replace(query, seed=secrets.randbelow(MAX_SEED + 1))
    answer, answer_id = recommender.recommend(query), secrets.token_hex(16)
    _log_drawn(answer, answer_id, bundle_version)
    return answer_id, answer


def _log_drawn(answer: Answer, answer_id: str, bundle_version: str) -> None:
    """Log one line of JSON if anything was drawn: the items, their positions from 1, and their propensities."""
    drawn = [(place, item) for place, item in enumerate(answer.items, 1) if item.propensity is not None]
    if not drawn:
        return
    line = {
        "answer_id": answer_id,
        "placement": answer.placement,
        "bundle_version": bundle_version,
        "items": [item.item_id for _, item in drawn],
        "places": [place for place, _ in drawn],
        "propensities": [item.propensity for _, item in drawn],
    }
    _log.info("%s", orjson.dumps(line).decode())
