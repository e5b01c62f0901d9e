"""Features of the coming days, by hand, and nothing beyond the origin's horizon."""

import numpy as np

from models.demand.panel import CategoricalCovariates, Panel
from models.demand.rows import KnownFutureFeatures
from tests.models.demand.worlds import panel_of

DAYS, HORIZON = 56, 14
OPEN = np.ones((1, DAYS + HORIZON), dtype=np.float32)
OPEN[0, [*range(6, DAYS, 7), *range(20, 28)]] = 0
OFFER = np.zeros((1, DAYS + HORIZON), dtype=np.float32)
OFFER[0, [3, 4, 5, 30, 31, 60, 61, 62]] = 1
PRICE = np.linspace(10, 20, DAYS + HORIZON, dtype=np.float32)[None, :]
UNITS = (4.0 * OPEN * (1 + OFFER))[:, :DAYS]


def panel(offer: np.ndarray = OFFER) -> Panel:
    return panel_of(np.tile(UNITS, (3, 1)), future={n: np.tile(v, (3, 1)) for n, v in _future(offer).items()})


def _future(offer: np.ndarray) -> dict[str, np.ndarray]:
    return {"open": OPEN, "offer": offer, "price": PRICE}


COVARIATES = CategoricalCovariates.fit(panel())


def features(target: int, origin: int = DAYS, offer: np.ndarray = OFFER) -> dict[str, float]:
    of_panel = KnownFutureFeatures(COVARIATES.prepare(panel(offer), HORIZON))
    columns = of_panel.columns(np.array([0]), np.array([origin]), np.array([target]))
    return {name: float(values[0]) for name, values in columns}


def test_a_run_of_offers_has_a_beginning_and_an_end() -> None:
    found = features(61)
    assert (found["offer"], found["offer_run"], found["offer_remaining"], found["offer_previous"]) == (1, 1, 2, 0)
    assert found["step"] == 61 - DAYS + 1


def test_shares_around_the_target() -> None:
    found = features(59)
    assert (found["offer_past_3"], found["offer_next_3"]) == (0, 1)
    assert found["offer_next_10"] == 3 / 10


def test_a_price_is_compared_with_the_one_before_the_origin() -> None:
    assert features(61)["price_change"] == np.float32(PRICE[0, 61] / PRICE[0, DAYS - 1])
    assert "offer_change" not in features(61)


def test_a_long_closure_is_remembered() -> None:
    assert features(29, origin=29)["since_long_break"] == 2
    assert features(41, origin=41)["since_long_break"] == 14  # a closed Sunday is no long closure


def test_nothing_beyond_the_horizon_of_the_origin_is_used() -> None:
    changed = OFFER.copy()
    changed[:, 30 + HORIZON :] = 1 - changed[:, 30 + HORIZON :]
    last = 30 + HORIZON - 1
    assert features(last, origin=30) == features(last, origin=30, offer=changed)
    assert features(last, origin=31) != features(last, origin=31, offer=changed)  # the control


def test_a_year_that_was_not_lived_through_is_no_feature() -> None:
    assert "year_sin" not in features(60)
    assert "weekday" in features(60)
