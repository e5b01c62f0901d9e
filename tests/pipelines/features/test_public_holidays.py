"""Holidays that everybody knows."""

import numpy as np
import pytest

from pipelines.features.public_holidays import country_code, public_holidays


@pytest.mark.parametrize(
    ("stated", "code"),
    [("DE", "DE"), ("de", "DE"), ("United Kingdom", "GB"), ("united_kingdom", "GB"), ("USA", "US"), (" fr ", "FR")],
)
def test_a_country_is_known_by_its_code_and_its_name(stated: str, code: str) -> None:
    assert country_code(stated) == code


@pytest.mark.parametrize("stated", ["", "Atlantis", "Unspecified"])
def test_an_unknown_country_is_none(stated: str) -> None:
    assert country_code(stated) is None


def test_christmas_is_a_holiday() -> None:
    found = public_holidays("GB", np.datetime64("2025-12-20"), 14)
    assert found.nonzero()[0].tolist() == [5, 6, 12]  # 25 and 26 December, 1 January


def test_countries_differ_and_days_to_come_are_known() -> None:
    first = np.datetime64("2031-07-01")
    assert public_holidays("US", first, 10).sum() == 1  # the Fourth
    assert public_holidays("DE", first, 10).sum() == 0
