"""Compilation of hot loops: strict arithmetic, and without the GIL."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])


def jit(function: Function) -> Function:
    """Compile with Numba at the first call, and cache the machine code beside the source.

    Division follows IEEE 754 instead of raising. No fast-math: the same arrays must give the same bits in training and
    in serving. The function releases the GIL, so it must not use Python objects.
    """
    return cast(Function, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def jit_inline(function: Function) -> Function:
    """Inline into each caller: for functions called in inner loops, where passing the arrays would cost most."""
    return cast(Function, numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")(function))


def read_only(array: Any) -> np.ndarray:
    """A read-only view of the array, like one that is memory-mapped.

    Numba compiles a function per argument type, and read-only arrays are a type of their own. Sources keep all arrays
    read-only, so that fitting, serving and catalogue updates share the compiled code.
    """
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view
