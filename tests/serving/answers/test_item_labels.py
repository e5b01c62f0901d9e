import numpy as np

from recsys.data.catalogue import Items
from serving.answers.item_labels import Label, Shelf


def test_a_label_says_what_is_known() -> None:
    items = Items.of(
        ["b", "a"], names=["Bee", None], categories=[None, "tea"], price=np.array([0.1, np.nan], np.float32)
    )
    shelf = Shelf(items)
    for _ in range(2):
        assert shelf.label("b") == Label("Bee", None, 0.1)  # not 0.10000000149
        assert shelf.label("a") == Label("a", "tea", None)
    assert shelf.label("gone") == Label(None, None, None)
