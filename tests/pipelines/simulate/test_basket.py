import numpy as np

from tests.pipelines.simulate.drawn_day import DrawnDay


def test_only_sessions_that_buy_have_order_lines(drawn: DrawnDay) -> None:
    assert drawn.sessions.buys[drawn.basket.session].all()
    assert 0 < len(drawn.basket.order_session) <= drawn.sessions.buys.sum()


def test_orders_are_slices_of_the_lines_without_repeated_items(drawn: DrawnDay) -> None:
    basket = drawn.basket
    order = np.repeat(np.arange(len(basket.order_session)), np.diff(basket.order_start))
    assert (basket.order_session[order] == basket.session).all()
    assert len(np.unique(np.stack([basket.session, basket.item]), axis=1).T) == len(basket.item)


def test_what_is_out_of_stock_is_wanted_and_not_sold(drawn: DrawnDay) -> None:
    out = drawn.day.out_of_stock
    assert out.any()
    assert not drawn.basket.sold[out].any()
    assert drawn.basket.wanted[out].any()
    assert (drawn.basket.sold[~out] == drawn.basket.wanted[~out]).all()
