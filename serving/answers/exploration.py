"""Exploration: seeds the draw of a policy's exploration slots and logs what was drawn, for unbiased learning.

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


def new_answer_id() -> str:
    """A random id, from which nobody can tell who was answered."""
    return secrets.token_hex(16)


def with_seed(recommender: Recommender, query: Query) -> Query:
    """The query with a new seed, if its placement explores and the query has none."""
    explores = bool(recommender.policies[query.placement].policy.exploration.places)
    return replace(query, seed=secrets.randbelow(MAX_SEED + 1)) if explores and query.seed is None else query


def log_drawn(answer: Answer, answer_id: str, bundle_version: str) -> None:
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
