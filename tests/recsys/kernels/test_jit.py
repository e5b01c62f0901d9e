"""Compiled loops: the arithmetic of IEEE 754, and views that cannot be written to."""

import numpy as np
import pytest

from recsys.kernels.jit import jit, jit_inline, read_only


@jit
def _ratio(one: float, other: float) -> float:
    return one / other


@jit_inline
def _twice(value: float) -> float:
    return 2 * value


@jit
def _four_times(value: float) -> float:
    return _twice(_twice(value))


def test_division_by_zero_is_infinite_instead_of_an_error() -> None:
    assert _ratio(1.0, 0.0) == np.inf
    assert np.isnan(_ratio(0.0, 0.0))


def test_an_inlined_function_computes_what_it_says() -> None:
    assert _four_times(3.0) == 12.0


def test_a_read_only_view_shares_the_memory_and_refuses_writing() -> None:
    array = np.zeros(3)
    view = read_only(array)
    assert np.shares_memory(view, array)
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1.0
    array[0] = 1.0
    assert view[0] == 1.0
