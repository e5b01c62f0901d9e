"""A result is made once in a run, anew from other objects, and never taken from another run."""

from collections.abc import Callable

import pytest

from pipelines.families.run_cache import RunCache


@pytest.fixture
def make() -> Callable[[], int]:
    """Returns how often it was called."""
    calls: list[int] = []

    def counting() -> int:
        calls.append(1)
        return len(calls)

    return counting


def test_the_same_key_is_made_once(make: Callable[[], int]) -> None:
    cache = RunCache()
    assert [cache.once("a", make), cache.once("a", make), cache.once("b", make), cache.once("a", make)] == [1, 1, 2, 1]


def test_equal_objects_are_not_the_same_one(make: Callable[[], int]) -> None:
    cache, table = RunCache(), [1]
    assert cache.once("a", make, made_of=(table,)) == cache.once("a", make, made_of=(table,)) == 1
    assert cache.once("a", make, made_of=([1],)) == 2


def test_no_later_object_is_taken_for_one_that_is_gone(make: Callable[[], int]) -> None:
    cache = RunCache()
    assert [cache.once("a", make, made_of=([],)) for _ in range(20)] == list(range(1, 21))


def test_two_runs_share_nothing(make: Callable[[], int]) -> None:
    assert RunCache().once("a", make) != RunCache().once("a", make)


def test_what_fails_is_tried_again(make: Callable[[], int]) -> None:
    cache = RunCache()
    with pytest.raises(ZeroDivisionError):
        cache.once("a", lambda: 1 // 0)
    assert cache.once("a", make) == 1
