"""The gate's verdict on a family: whether its model is better than its baseline, and which of the two answers."""

from typing import Literal

import msgspec

# "unclear": the interval of the gain contains 0. "too_few": too few cases to judge. "nothing": the model predicted
# nothing that could be judged, for example no trend.
Finding = Literal["better", "unclear", "worse", "too_few", "nothing"]
Answerer = Literal["model", "baseline"]


class Verdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The finding, who answers, and the reason in a sentence.

    `gain` is how much better the model is than its baseline on the gate's metric, whichever direction is better;
    `gain_low` and `gain_high` are the ends of its 95 % interval. None where there is no interval.
    """

    finding: Finding
    answers: Answerer | None  # None: neither; the served version of the family stays
    reason: str
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None
