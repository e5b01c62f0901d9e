"""How hot loops are compiled: the same arithmetic everywhere, and without the interpreter's lock."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])


def jit(function: Function) -> Function:
    """Compile with Numba at the first call and keep the machine code beside the source.

    Division follows IEEE 754 instead of raising. No fast-math: the same arrays must give the same bits in training and
    in serving. The function releases the GIL, so it must not touch Python objects.
    """
    return cast(Function, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def jit_inline(function: Function) -> Function:
    """Compile into each caller: for what a loop calls for every entry, where handing over the arrays costs most."""
    return cast(Function, numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")(function))


def read_only(array: Any) -> np.ndarray:
    """A view of the array that cannot be written to, as one that is memory-mapped.

    Machine code is made per type of its arguments, and whether they may be written to is part of it: sources keep all
    their arrays so, that fitting, serving and items told of later do not each wait for a compilation of their own.
    """
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view
