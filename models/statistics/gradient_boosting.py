"""LightGBM as every model here uses it: settings under which the same rows and seed give the same trees."""

from typing import Any, Final

_REPRODUCIBLE: Final = {"deterministic": True, "force_row_wise": True, "verbose": -1}


def settings(*, seed: int, threads: int, **differences: Any) -> dict[str, Any]:
    """LightGBM's parameters: `differences` from its defaults (objective, num_leaves, ...), made reproducible.

    Small fits are slower on more `threads`; the caller chooses.
    """
    return {**differences, "seed": seed, "num_threads": threads, **_REPRODUCIBLE}
