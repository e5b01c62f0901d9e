"""Compilation of hot loops: strict arithmetic, and without the GIL."""

from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
from numba.core.caching import FunctionCache, IndexDataCacheFile

Function = TypeVar("Function", bound=Callable[..., Any])


def jit(function: Function) -> Function:
    """Compile with Numba at the first call, and cache the machine code beside the source.

    Division follows IEEE 754 instead of raising. No fast-math: the same arrays must give the same bits in training and
    in serving. The function releases the GIL, so it must not use Python objects.
    """
    return _cached(numba.njit(nogil=True, error_model="numpy")(function))


def jit_inline(function: Function) -> Function:
    """Inline into each caller: for functions called in inner loops, where passing the arrays would cost most."""
    return _cached(numba.njit(nogil=True, error_model="numpy", inline="always")(function))


def read_only(array: Any) -> np.ndarray:
    """A read-only view of the array, like one that is memory-mapped.

    Numba compiles a function per argument type, and read-only arrays are a type of their own. Sources keep all arrays
    read-only, so that fitting, serving and catalogue updates share the compiled code.
    """
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


class _Cache(FunctionCache):
    """Machine code kept beside the source, for exactly these sources of the whole package.

    Numba looks at the function's own file only. But machine code contains the functions that it calls, and its index
    names the types of its arguments; both may come from other files, and an upgrade may change them.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        name, folder, current = self._impl.filename_base, Path(self._cache_path), sources_digest()
        for stale in folder.glob(f"{name}*.nb[ic]"):
            if current not in stale.name:
                stale.unlink(missing_ok=True)
        stamp = self._impl.locator.get_source_stamp()
        self._cache_file = IndexDataCacheFile(  # type: ignore[no-untyped-call]
            self._cache_path, f"{name}-{current}", stamp
        )


@cache
def sources_digest() -> str:
    """A digest of every module of the package that may hold compiled functions or types of their arguments."""
    digest = blake2b(digest_size=8)
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _cached(dispatcher: Any) -> Any:
    dispatcher._cache = _Cache(dispatcher.py_func)  # as its enable_caching does
    return dispatcher
