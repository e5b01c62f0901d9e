"""Compiled loops: the arithmetic of IEEE 754, and views that cannot be written to."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from recsys.kernels.jit import jit, jit_inline, read_only, sources_digest


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


KERNELS = {  # a kernel that calls one of another file, with an argument whose type another file defines
    "shapes.py": "from typing import NamedTuple\nclass {name}(NamedTuple):\n    value: float\n",
    "inner.py": "from package.jit import jit\n@jit\ndef inner(x):\n    return x + {number}\n",
    "outer.py": "from package.jit import jit\nfrom package.inner import inner\n@jit\n"
    "def outer(shape):\n    return inner(shape.value)\n",
}


def run_kernel(package: Path, name: str, number: float) -> float:
    """Write the package's sources and call its outer kernel in a process of its own."""
    for file, text in KERNELS.items():
        source = text.format(name=name, number=number)
        if not (package / file).exists() or (package / file).read_text() != source:
            (package / file).write_text(source)
    program = f"from package import outer, shapes; print(outer.outer(shapes.{name}(1.0)))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=package.parent, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def test_machine_code_of_other_sources_is_never_used(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    source = Path(sys.modules[jit.__module__].__file__ or "").read_text()
    (package / "jit.py").write_text(source.replace("parents[1]", "parent"))
    assert run_kernel(package, "Box", 1.0) == 2.0
    kept = set(package.rglob("*.nb[ic]"))
    assert kept
    # The outer kernel's file is the same. The kernel that it calls has changed, and the type in its index is gone.
    assert run_kernel(package, "Case", 2.0) == 3.0
    assert not kept & set(package.rglob("*.nb[ic]"))


def test_the_digest_is_of_the_sources() -> None:
    assert sources_digest() == sources_digest()
    assert len(sources_digest()) == 16
