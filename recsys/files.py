"""The files of a recommender in its folder of a bundle: arrays, the text of each ranker, and parameters.json."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from contracts.bundle import read_arrays, write_arrays
from contracts.errors import BundleRefused, InvalidFields
from contracts.validation.fields import decode
from recsys.parameters import RecommendParameters
from recsys.ranking.ranker import SCENARIOS
from recsys.recommender import Recommender

RANKER_FILE: Final = "ranker_{scenario}.txt"
PARAMETERS_FILE: Final = "parameters.json"


class _Parameters(msgspec.Struct, frozen=True):
    as_of: int  # seconds since 1970 UTC
    parameters: RecommendParameters  # one that the file lacks has its default


def write_recommender(folder: Path, recommender: Recommender) -> None:
    """Write every file of the recommender into `folder`."""
    write_arrays(folder, recommender.to_arrays())
    for scenario, ranker in recommender.rankers.items():
        (folder / RANKER_FILE.format(scenario=scenario)).write_text(ranker.text, encoding="utf-8")
    parameters = _Parameters(recommender.as_of, recommender.retriever.parameters)
    (folder / PARAMETERS_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(parameters)))


def read_recommender(folder: Path) -> Recommender:
    """The recommender that `write_recommender` wrote; its arrays are memory-mapped. Raises BundleRefused."""
    return recommender_of(read_arrays(folder), lambda name: (folder / name).read_text(encoding="utf-8"))


def recommender_of(arrays: dict[str, Any], text_of: Callable[[str], str]) -> Recommender:
    """The recommender from its arrays and the text of each other file, by name. Raises BundleRefused."""
    try:
        stored = decode(text_of(PARAMETERS_FILE).encode(), _Parameters)
    except InvalidFields as error:
        raise BundleRefused(f"the recommender's {PARAMETERS_FILE} cannot be read: {error} Train again.") from None
    texts = {scenario: text_of(RANKER_FILE.format(scenario=scenario)) for scenario in SCENARIOS}
    return Recommender.from_arrays(arrays, texts, stored.parameters, stored.as_of)
