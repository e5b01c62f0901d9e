import numpy as np

from pipelines.simulate.browsing import choose_items
from tests.pipelines.simulate.drawn_day import PARAMETERS, DrawnDay


def test_every_session_views_items_that_are_launched(drawn: DrawnDay) -> None:
    views = drawn.views
    assert (np.unique(views.session) == np.arange(drawn.sessions.count)).all()
    assert (drawn.day.weight[views.item] > 0).all()
    assert (views.position[views.first] == 0).all()


def test_items_are_of_the_asked_category_and_to_the_taste(drawn: DrawnDay) -> None:
    rng, category = np.random.default_rng(1), np.full(400, 3)
    first, last = drawn.catalogue.category_start[3:5]
    favourite = int(first + np.argmax(drawn.day.weight[first:last]))
    taste = np.broadcast_to(drawn.catalogue.taste[favourite], (400, PARAMETERS.taste_dims))

    def chosen(taste: np.ndarray) -> np.ndarray:
        return choose_items(PARAMETERS, drawn.catalogue, drawn.day, taste, np.zeros(400), category, rng)

    assert (drawn.catalogue.category[chosen(taste)] == 3).all()
    assert (chosen(taste) == favourite).mean() > (chosen(-taste) == favourite).mean() + 0.2
