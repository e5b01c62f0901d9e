"""The Hillstrom benchmark: who is in which arm, and what the figures over seeds are."""

import pandas as pd
import pytest

from benchmarks.uplift import CASES, experiment_of, over_seeds

CUSTOMERS = pd.DataFrame(
    [
        ("Womens E-Mail", 1, 0, "Web", "Urban"),
        ("Mens E-Mail", 0, 0, "Phone", "Rural"),
        ("No E-Mail", 1, 1, "Web", "Rural"),
        ("Mens E-Mail", 1, 1, "Web", "Urban"),
    ],
    columns=["segment", "visit", "conversion", "channel", "zip_code"],
).assign(recency=range(4), history=1.0, mens=0, womens=1, newbie=0)


@pytest.mark.parametrize(
    ("case", "recency", "treated", "outcome"),
    [
        ("women/visit", [0, 2], [1, 0], [1, 1]),
        ("men/visit", [1, 2, 3], [1, 0, 1], [0, 1, 1]),
        ("both/conversion", [0, 1, 2, 3], [1, 1, 0, 1], [0, 0, 1, 1]),
    ],
)
def test_a_case_has_its_arms_the_control_and_its_outcome(
    case: str, recency: list[int], treated: list[int], outcome: list[int]
) -> None:
    assert case in CASES
    found = experiment_of(CUSTOMERS, case)
    assert found.features[:, 0].tolist() == recency
    assert found.treated.tolist() == treated
    assert found.outcome.tolist() == outcome


def test_the_spread_is_that_between_seeds() -> None:
    found = over_seeds([(0.1, 0.02), (0.2, 0.04), (0.3, 0.06)])
    assert (found["qini"], found["qini_sd"]) == (0.2, 0.1)
    assert (found["uplift_at_30"], found["uplift_at_30_sd"]) == (0.04, 0.02)
    assert over_seeds([(0.1, 0.02)])["qini_sd"] == 0
