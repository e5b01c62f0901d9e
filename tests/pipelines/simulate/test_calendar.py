import numpy as np
import pytest

from pipelines.simulate.calendar import Calendar, seasonal_factor
from pipelines.simulate.catalogue import draw_catalogue
from tests.pipelines.simulate.drawn_day import PARAMETERS


def test_a_season_is_highest_on_its_peak_and_averages_to_one() -> None:
    factors = [float(seasonal_factor(day, np.array(100), np.array(0.3))) for day in range(1, 366)]
    assert np.argmax(factors) + 1 == 100
    assert max(factors) == pytest.approx(1.3)
    assert np.mean(factors) == pytest.approx(1, abs=0.001)


def test_a_day_has_its_promotions_prices_and_launches() -> None:
    catalogue = draw_catalogue(PARAMETERS)
    calendar = Calendar(PARAMETERS, catalogue)
    day = calendar.day(20)
    promoted = calendar.discount_percent[20] > 0
    assert 0 < promoted.sum() < PARAMETERS.items
    assert ((day.lift > 1) == promoted).all()
    assert ((day.price < catalogue.price) == promoted).all()
    assert ((day.weight > 0) == (catalogue.launch_day <= 20)).all()
