import numpy as np

from pipelines.simulate.sessions import EMAIL, WALK_IN, session_chances
from tests.pipelines.simulate.drawn_day import NUMBER, PARAMETERS, DrawnDay


def test_only_customers_who_are_alive_have_sessions(drawn: DrawnDay) -> None:
    customer = drawn.sessions.customer
    assert drawn.customers.alive(NUMBER)[customer[customer != WALK_IN]].all()
    chance, buys = session_chances(PARAMETERS, drawn.customers, drawn.day)
    assert (chance[~drawn.customers.alive(NUMBER)] == 0).all()
    assert ((buys >= 0) & (buys <= 1)).all()


def test_walk_ins_have_devices_of_their_own_and_no_user_id(drawn: DrawnDay) -> None:
    sessions, is_walk_in = drawn.sessions, drawn.sessions.customer == WALK_IN
    assert 0 < is_walk_in.sum() < sessions.count
    assert len(np.unique(sessions.device_key[is_walk_in])) == is_walk_in.sum()
    assert not np.isin(sessions.device_key[is_walk_in], drawn.customers.device_key).any()
    assert not sessions.known[is_walk_in].any()
    assert not sessions.login[is_walk_in].any()


def test_newsletters_need_consent(drawn: DrawnDay) -> None:
    sessions = drawn.sessions
    is_customer = sessions.customer != WALK_IN
    returning = is_customer & (drawn.customers.start_day[sessions.customer] != NUMBER)
    by_email = returning & (sessions.channel == EMAIL)
    assert by_email.any()
    assert (sessions.consent[by_email] & 4 == 4).all()
