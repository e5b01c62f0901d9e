from dataclasses import replace
from datetime import date

import pytest

from contracts.errors import InputError
from pipelines.simulate.parameters import StoreParameters


@pytest.mark.parametrize("bad", [{"items": 3}, {"customers": 0}, {"days": 0}, {"seed": -1}, {"days": 100_000}])
def test_impossible_sizes_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(InputError, match="must lie between"):
        StoreParameters(**bad)


def test_other_parameters_have_another_fingerprint() -> None:
    assert StoreParameters().fingerprint == StoreParameters().fingerprint
    assert StoreParameters().fingerprint != replace(StoreParameters(), item_taste=7.5).fingerprint


def test_days_count_from_the_start() -> None:
    assert StoreParameters(start=date(2024, 2, 28)).date_of(2) == date(2024, 3, 1)
