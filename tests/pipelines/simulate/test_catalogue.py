import numpy as np
import pytest

from pipelines.simulate.assortment import CATEGORIES
from pipelines.simulate.catalogue import draw_catalogue, unit
from tests.pipelines.simulate.drawn_day import PARAMETERS


def test_items_have_distinct_ids_and_names_and_related_items_of_the_right_category() -> None:
    catalogue = draw_catalogue(PARAMETERS)
    assert len(set(catalogue.item_id)) == len(set(catalogue.name)) == catalogue.size == PARAMETERS.items
    names = [category.name for category in CATEGORIES]
    partner = np.array([names.index(category.goes_with) for category in CATEGORIES])
    assert (catalogue.category[catalogue.complements] == partner[catalogue.category][:, None]).all()
    assert (catalogue.category[catalogue.neighbours] == catalogue.category[:, None]).all()
    assert (np.diff(catalogue.category_start) > 0).all()


def test_vectors_are_scaled_to_length_one() -> None:
    assert np.linalg.norm(unit(np.array([[3.0, 4.0], [0.0, 2.0]])), axis=1) == pytest.approx([1, 1])
