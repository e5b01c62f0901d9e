"""LightGBM as every model here uses it: settings under which the same rows and seed give the same trees."""

from functools import lru_cache
from typing import Any, Final

import lightgbm as lgb

_REPRODUCIBLE: Final = {"deterministic": True, "force_row_wise": True, "verbose": -1}
PARSED_MODELS: Final = 32  # text models that stay parsed


def settings(*, seed: int, threads: int, **differences: Any) -> dict[str, Any]:
    """LightGBM's parameters: `differences` from its defaults (objective, num_leaves, ...), made reproducible.

    Small fits are slower on more `threads`; the caller chooses.
    """
    return {**differences, "seed": seed, "num_threads": threads, **_REPRODUCIBLE}


@lru_cache(maxsize=PARSED_MODELS)
def parsed(text: str) -> lgb.Booster:
    """The booster of a model in LightGBM's text format; parsed once, so do not change it."""
    return lgb.Booster(model_str=text)
