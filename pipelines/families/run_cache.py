"""What the families of one training run share, so that it is computed once in the run."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


class RunCache:
    """Results by key. The run owns it: nothing in it outlives the run, and two runs share nothing."""

    def __init__(self) -> None:
        self._results: dict[Hashable, tuple[Any, Sequence[object]]] = {}

    def once(self, key: Hashable, make: Callable[[], T], made_of: Sequence[object] = ()) -> T:
        """What `make` returned at the first call with this key and these objects.

        `made_of` are compared by identity, which suits tables. Two kinds of result must not have equal keys.
        """
        full_key = (key, *map(id, made_of))
        if full_key not in self._results:
            # The objects are kept, so that no other one gets their identity.
            self._results[full_key] = make(), made_of
        return self._results[full_key][0]
