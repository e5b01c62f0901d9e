"""What is printed of a backtest is explained, and what is worse for new items is told."""

import pytest

from pipelines.families.registry import FAMILIES
from shopkeeper.display.metrics import MEANINGS, explore_sentence


@pytest.mark.parametrize("name", FAMILIES)
def test_the_metric_that_decides_and_those_that_are_shown_have_a_meaning(name: str) -> None:
    family = FAMILIES[name]
    undefined = {"qini_low", "qini_high", "chance_no_better"}  # in --json and MLflow only
    shown = {family.gate.metric, *family.shown_metrics} - undefined
    assert [metric for metric in sorted(shown) if metric not in MEANINGS] == []


def test_worse_for_items_that_are_new_to_the_customer_is_told() -> None:
    ours, popular = {"explore_recall_at_20": 0.163}, {"explore_recall_at_20": 0.252}
    assert "16% of those chosen" in explore_sentence(ours, popular)
    assert "the baseline's 25%" in explore_sentence(ours, popular)
    assert explore_sentence(popular, ours) == ""
    assert explore_sentence({}, popular) == ""
