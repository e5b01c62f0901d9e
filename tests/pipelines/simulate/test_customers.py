import numpy as np
import pytest

from pipelines.simulate.catalogue import draw_catalogue
from pipelines.simulate.customers import NOT_STATED, draw_consents, draw_customers
from tests.pipelines.simulate.drawn_day import PARAMETERS


def test_a_customer_is_alive_from_the_start_to_the_end_and_may_change_consent() -> None:
    customers = draw_customers(PARAMETERS, draw_catalogue(PARAMETERS))
    assert (customers.start_day < customers.end_day).all()
    someone = np.flatnonzero(customers.start_day > 0)[:1]
    first, end = int(customers.start_day[someone[0]]), int(customers.end_day[someone[0]])
    assert [bool(customers.alive(day)[someone[0]]) for day in (first - 1, first, end - 1, end)] == [0, 1, 1, 0]
    changing = np.flatnonzero((customers.consent_change_day <= PARAMETERS.days) & (customers.consent != NOT_STATED))
    before, after = customers.consent_on(changing, 0), customers.consent_on(changing, PARAMETERS.days)
    assert len(changing) > 0
    assert (before ^ after == 4).all()  # only the bit of marketing


def test_consents_are_refused_as_often_as_planted() -> None:
    codes = draw_consents(PARAMETERS, 20_000, np.random.default_rng(1))
    refused = [(codes >> bit & 1 == 0).mean() for bit in range(3)]
    planted = [
        PARAMETERS.refuses_analytics_share,
        PARAMETERS.refuses_personalization_share,
        PARAMETERS.refuses_marketing_share,
    ]
    assert refused == pytest.approx(planted, abs=0.01)


def test_most_customers_have_an_address_that_reaches_nobody() -> None:
    customers = draw_customers(PARAMETERS, draw_catalogue(PARAMETERS))
    addresses = [address for number in range(customers.size) if (address := customers.email(number)) is not None]
    assert len(addresses) / customers.size == pytest.approx(PARAMETERS.email_share, abs=0.08)
    assert len(set(addresses)) == len(addresses)
    assert all(address.endswith(("@example.com", "@example.org")) for address in addresses)
