"""What is written is read back, and what is not a recommender's is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from contracts.errors import BundleRefused
from recsys.files import PARAMETERS_FILE, RANKER_FILE, read_recommender, write_recommender
from recsys.parameters import RecommendParameters
from recsys.ranking.ranker import SCENARIOS
from recsys.recommender import Recommender
from recsys.request import Query
from tests.recsys.stores import SMALL, checkerboard_recommender

QUERIES = (Query(), Query(customer_id="customer-001"), Query(customer_id="customer-000", item_id="item-006", k=50))


@pytest.fixture(scope="module")
def written() -> Recommender:
    return checkerboard_recommender()


@pytest.fixture
def folder(written: Recommender, tmp_path: Path) -> Path:
    write_recommender(tmp_path, written)
    return tmp_path


def changed(folder: Path, name: str, old: str, new: str) -> Path:
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))
    return folder


def test_a_recommender_read_from_files_gives_the_same_answers(written: Recommender, folder: Path) -> None:
    read = read_recommender(folder)
    assert [read.recommend(query) for query in QUERIES] == [written.recommend(query) for query in QUERIES]
    assert read.similar("item-003", 9) == written.similar("item-003", 9)
    assert (read.as_of, read.retriever.parameters) == (written.as_of, SMALL)
    assert isinstance(read.histories.items.base, np.memmap) or isinstance(read.histories.items, np.memmap)
    assert {path.name for path in folder.iterdir() if path.suffix != ".npy"} == {
        PARAMETERS_FILE,
        *(RANKER_FILE.format(scenario=scenario) for scenario in SCENARIOS),
    }


def test_a_parameter_that_the_file_lacks_has_its_default(folder: Path) -> None:
    stored = json.loads((folder / PARAMETERS_FILE).read_text())
    del stored["parameters"]["trees"]
    (folder / PARAMETERS_FILE).write_text(json.dumps(stored))
    assert read_recommender(folder).retriever.parameters.trees == RecommendParameters().trees != SMALL.trees


def test_other_files_are_refused(folder: Path) -> None:
    with pytest.raises(BundleRefused, match="as_of: this field is needed"):
        read_recommender(changed(folder, PARAMETERS_FILE, '"as_of"', '"at"'))


def test_a_ranker_of_other_features_is_refused(folder: Path) -> None:
    name = RANKER_FILE.format(scenario=SCENARIOS[0])
    with pytest.raises(BundleRefused, match="other features"):
        read_recommender(changed(folder, name, "interest_max_normalised", "other_feature"))
