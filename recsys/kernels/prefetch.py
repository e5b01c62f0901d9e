"""Prefetching: asking for memory ahead of its use, so that a request waits for many places at once, not one by one."""

from collections.abc import Callable
from typing import Any, Final, cast

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]  # comes with numba
from numba.core import types
from numba.core.typing.templates import Signature
from numba.extending import intrinsic

_TO_READ, _KEPT, _DATA = 0, 3, 1  # what LLVM's instruction is told: not to write, near the processor, no code


def _prefetch(typing: Any, array: types.Array, place: types.Integer) -> tuple[Signature, Any]:
    def generated(context: Any, builder: Any, signature: Signature, values: Any) -> ir.Constant:
        data = context.make_array(signature.args[0])(context, builder, values[0]).data
        address, number = builder.gep(data, [values[1]]), ir.IntType(32)
        form = ir.FunctionType(ir.VoidType(), [address.type, number, number, number])
        instruction = builder.module.declare_intrinsic("llvm.prefetch", [address.type], form)
        builder.call(instruction, [address, number(_TO_READ), number(_KEPT), number(_DATA)])
        return context.get_dummy_value()

    return types.void(array, place), generated


# In compiled code: begin to load the line of memory that holds array.flat[place] of a contiguous array. It changes
# nothing but how long the load takes when it comes, and may be asked of places that are not there.
prefetch: Final = cast(Callable[[np.ndarray, int], None], intrinsic(_prefetch))
