from dataclasses import replace

import numpy as np
import pytest

from pipelines.simulate.orders import FREE_SHIPPING_FROM, draw_refunds
from tests.pipelines.simulate.drawn_day import NUMBER, PARAMETERS, DrawnDay


def test_an_order_costs_its_lines_less_the_discount(drawn: DrawnDay) -> None:
    basket, orders = drawn.events.basket, drawn.orders
    goods = [
        float((drawn.day.price[basket.item[first:last]] * basket.quantity[first:last]).sum())
        for first, last in zip(basket.order_start[:-1], basket.order_start[1:], strict=True)
    ]
    assert orders.revenue + orders.discount == pytest.approx(goods)
    assert ((orders.shipping == 0) == (np.array(goods) >= FREE_SHIPPING_FROM)).all()
    assert len(set(orders.order_id)) == orders.count > 10


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_cancelled_order_has_no_refunded_lines(drawn: DrawnDay, share: float) -> None:
    p, basket = replace(PARAMETERS, cancelled_share=share), drawn.events.basket
    refunds = draw_refunds(p, drawn.catalogue, drawn.day, basket, np.random.default_rng(1))
    cancelled = [refund.order for refund in refunds if not refund.lines]
    assert len(cancelled) == share * len(basket.order_session)
    assert all(refund.day == NUMBER + 1 for refund in refunds if not refund.lines)
    assert not set(cancelled) & {refund.order for refund in refunds if refund.lines}
