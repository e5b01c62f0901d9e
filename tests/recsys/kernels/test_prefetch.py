import numba
import numpy as np

from recsys.kernels.prefetch import prefetch


@numba.njit  # without the cache of recsys.kernels.jit: what comes from it cannot be inspected
def _asked(array: np.ndarray, place: int) -> float:
    prefetch(array, place)
    return float(array[0])


@numba.njit
def _unasked(array: np.ndarray, place: int) -> float:
    return float(array[0]) + 0 * place


def test_it_becomes_an_instruction_of_the_processor() -> None:
    for function, is_asked in ((_asked, True), (_unasked, False)):
        function(np.ones(2), 1)
        (code,) = function.inspect_llvm().values()  # type: ignore[attr-defined]
        assert ("call void @llvm.prefetch" in code) == is_asked


def test_a_place_that_is_not_there_does_no_harm() -> None:
    array = np.ones(2)
    for place in (-1, 2, 1 << 40):
        assert _asked(array, place) == 1.0
    assert array.tolist() == [1.0, 1.0]
