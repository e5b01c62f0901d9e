import numpy as np

from recsys.data.catalogue import Items
from recsys.data.labels import ItemLabel, ItemLabels


def test_a_label_has_what_is_known_of_an_item() -> None:
    items = Items.of(
        ["b", "a"], names=["Bee", None], categories=[None, "tea"], price=np.array([0.1, np.nan], np.float32)
    )
    labels = ItemLabels(items)
    for _ in range(2):
        assert labels.label(items.ids.index("b")) == ItemLabel("b", "Bee", None, 0.1)  # not 0.10000000149
        assert labels.label(items.ids.index("a")) == ItemLabel("a", "a", "tea", None)
