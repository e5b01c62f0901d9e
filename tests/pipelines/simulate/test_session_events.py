import numpy as np

from pipelines.simulate.session_events import ADD, ALIAS, IDENTIFY, KINDS, ORDER, VIEW
from pipelines.simulate.sessions import DAY_MS, NO_LOGIN
from tests.pipelines.simulate.drawn_day import DrawnDay


def test_events_are_in_time_order_within_the_day(drawn: DrawnDay) -> None:
    events = drawn.events
    assert (np.diff(events.at_ms) >= 0).all()
    assert events.at_ms.min() >= 0
    assert events.at_ms.max() < DAY_MS
    assert set(events.kind.tolist()) == set(range(KINDS))


def test_every_order_and_every_line_of_it_has_its_event(drawn: DrawnDay) -> None:
    events, basket = drawn.events, drawn.events.basket
    ordered = np.flatnonzero(events.kind == ORDER)
    assert sorted(events.item[ordered].tolist()) == list(range(len(basket.order_session)))
    added = set(zip(events.session[events.kind == ADD].tolist(), events.item[events.kind == ADD].tolist(), strict=True))
    assert set(zip(basket.session.tolist(), basket.item.tolist(), strict=True)) <= added
    assert (np.bincount(events.session[events.kind == VIEW], minlength=drawn.sessions.count) > 0).all()


def test_a_user_id_comes_with_the_login_and_stays(drawn: DrawnDay) -> None:
    events, sessions = drawn.events, drawn.sessions
    logins = np.isin(events.kind, (IDENTIFY, ALIAS))
    assert logins.sum() == (sessions.login != NO_LOGIN).sum() > 0
    for session in events.session[logins][:20]:
        of_session = np.flatnonzero(events.session == session)
        login = np.flatnonzero(np.isin(events.kind[of_session], (IDENTIFY, ALIAS)))[0]
        assert events.has_user[of_session].tolist() == [place >= login for place in range(len(of_session))]
