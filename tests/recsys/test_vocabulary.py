import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recsys.vocabulary import Texts, Vocabulary, is_sorted

# Surrogates have no UTF-8 form; ids are checked at the door.
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)


@given(st.lists(TEXT), TEXT)
def test_every_text_is_found_at_its_place_and_no_other_is(texts: list[str], other: str) -> None:
    vocabulary = Vocabulary.of(texts)
    assert len(vocabulary) == len(set(texts))
    assert is_sorted(vocabulary)
    assert [vocabulary.value(vocabulary.index(text)) for text in texts] == texts
    assert (vocabulary.index(other) >= 0) == (other in texts)
    assert vocabulary.indices([*texts, other]).tolist() == [vocabulary.index(text) for text in [*texts, other]]


def test_texts_keep_their_order_and_repeat() -> None:
    assert Texts.of(["b", "", "a", "b"]).values() == ["b", "", "a", "b"]
    assert not is_sorted(Texts.of(["b", "a"]))


def test_a_vocabulary_reads_its_arrays_without_copying_them() -> None:
    written = Vocabulary.of(["pear", "apple"])
    data, offsets = written.data, written.offsets
    read = Vocabulary(data, offsets)
    assert np.shares_memory(read.data, data)
    assert (read.index("apple"), read.index("pear"), read.index("plum")) == (0, 1, -1)
