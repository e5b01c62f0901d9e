"""Vocabularies: every text is found at its index, from arrays that may be memory-mapped."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recsys.data.vocabulary import AppendedVocabulary, Texts, Vocabulary

# Surrogates have no UTF-8 form; ids are checked at the door.
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)


@given(st.lists(TEXT), TEXT)
def test_every_text_is_found_at_its_place_and_no_other_is(texts: list[str], other: str) -> None:
    vocabulary = Vocabulary.of(texts)
    assert len(vocabulary) == len(set(texts))
    assert vocabulary.values() == sorted(set(texts), key=str.encode)
    assert [vocabulary.value(vocabulary.index(text)) for text in texts] == texts
    assert (vocabulary.index(other) >= 0) == (other in texts)
    assert vocabulary.indices([*texts, other]).tolist() == [vocabulary.index(text) for text in [*texts, other]]


def test_texts_keep_their_order_and_repeat() -> None:
    assert Texts.of(["b", "", "a", "b"]).values() == ["b", "", "a", "b"]


def test_a_vocabulary_reads_its_arrays_without_copying_them() -> None:
    written = Vocabulary.of(["pear", "apple"])
    data, offsets = written.data, written.offsets
    read = Vocabulary(data, offsets)
    assert np.shares_memory(read.data, data)
    assert (read.index("apple"), read.index("pear"), read.index("plum")) == (0, 1, -1)


@given(st.lists(TEXT), st.lists(TEXT, unique=True), TEXT)
def test_appended_texts_stand_behind_the_others_which_keep_their_places(
    first: list[str], more: list[str], other: str
) -> None:
    known = Vocabulary.of(first)
    added = [text for text in more if known.index(text) < 0]
    found = AppendedVocabulary(known, added)
    assert found.values() == [*known.values(), *added]
    assert [found.index(text) for text in found.values()] == list(range(len(found)))
    assert (found.index(other) >= 0) == (other in first or other in more)
    assert found.indices([*added, other]).tolist() == [found.index(text) for text in [*added, other]]


def test_a_vocabulary_may_be_appended_to_twice() -> None:
    twice = AppendedVocabulary(AppendedVocabulary(Vocabulary.of(["m", "p"]), ["z", "a"]), ["b"])
    assert [twice.index(text) for text in ("m", "p", "z", "a", "b", "c")] == [0, 1, 2, 3, 4, -1]
    assert len(AppendedVocabulary(Vocabulary.of(["m"]), [])) == 1
