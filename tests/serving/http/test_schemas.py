from typing import get_args

import pytest

from contracts.errors import InputError
from recsys.request import PLACEMENTS, Filters, Query, SessionEvent
from serving.http.schemas.recommendations import Placement, RecommendationQuestion


def test_the_placements_of_the_service_are_those_of_the_recommender() -> None:
    assert get_args(Placement) == PLACEMENTS


def test_a_question_without_anything_is_a_query_without_anything() -> None:
    assert RecommendationQuestion.model_validate_json("{}").query() == Query()


def test_every_field_of_a_question_reaches_the_recommender() -> None:
    raw = """{"customer_id": "a", "item_id": "b", "cart": ["c"], "session": [{"item_id": "d", "kind": "cart"}], "k": 3,
        "filters": {"categories": ["e"], "brands": ["f"], "exclude_items": ["g"], "price_min": 1, "price_max": 2,
                    "in_stock_only": false, "attributes": {"colour": ["red"]}, "exclude_known": true},
        "placement": "cart", "personalize": false, "seed": 9}"""
    query = RecommendationQuestion.model_validate_json(raw).query()
    filters = Filters(("e",), ("f",), ("g",), 1, 2, False, (("colour", ("red",)),), True)
    assert query == Query("a", "b", ("c",), (SessionEvent("d", "cart"),), 3, filters, None, "cart", False, 9)
    unset = [name for name, value in vars(query).items() if value == vars(Query())[name]]
    assert unset == ["now"]


def test_a_placement_that_lacks_what_it_needs_is_refused_in_words() -> None:
    with pytest.raises(InputError, match="similar needs item_id"):
        RecommendationQuestion(placement="similar").query()
