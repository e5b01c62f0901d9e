"""The files that training makes: tables with a row per customer, and the arrays of the recommender.

A file is replaced and never changed in place: somebody may have mapped it into memory.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from contracts.bundle import Replay, read_arrays, read_table, write_table
from contracts.privacy.erasable import Person
from recsys.erasure import customers_of, without_customers

_RECOMMENDER: Final = "customers_offsets.npy"  # a folder that has it has the arrays of a recommender
_WRITING: Final = ".writing"


def rows_in_files(folder: Path, person: Person) -> Iterator[dict[str, Any]]:
    """Every row of the person's in the tables below the folder, and what the recommender knows of them."""
    for path, table in _customer_tables(folder):
        for row in table.filter(_is_of(table, person)).to_pylist():
            yield {"file": path.relative_to(folder).as_posix(), **row}
    for path in sorted(folder.rglob(_RECOMMENDER)):
        arrays = read_arrays(path.parent)
        customers = customers_of(arrays)
        for customer_id in sorted(person.customer_ids):
            place = customers.index(customer_id)
            if place >= 0:
                yield {"file": path.parent.relative_to(folder).as_posix(), **_history(arrays, customer_id, place)}


def erase_from_files(folder: Path, person: Person) -> int:
    """Erase the person from every file below the folder; returns the number of rows and histories."""
    erased = 0
    for path, table in _customer_tables(folder):
        kept = table.filter(pc.invert(_is_of(table, person)))
        if kept.num_rows < table.num_rows:
            erased += table.num_rows - kept.num_rows
            draft = path.with_name(path.name + _WRITING)
            write_table(draft, kept)
            draft.replace(path)
    for path in sorted(folder.rglob(_RECOMMENDER)):
        erased += _erase_from_recommender(path.parent, person.customer_ids)
    return erased


def without_replays_of(replays: Collection[Replay], person: Person) -> list[Replay]:
    """The replays that ask about somebody else."""
    return [each for each in replays if each.request.get(c.CUSTOMER_ID) not in person.customer_ids]


def _customer_tables(folder: Path) -> Iterator[tuple[Path, pa.Table]]:
    for path in sorted(folder.rglob("*.arrow")):
        table = read_table(path)
        if c.CUSTOMER_ID in table.column_names:
            yield path, table


def _is_of(table: pa.Table, person: Person) -> pa.ChunkedArray:
    return pc.is_in(table[c.CUSTOMER_ID], pa.array(sorted(person.customer_ids), table[c.CUSTOMER_ID].type))


def _erase_from_recommender(folder: Path, customer_ids: Collection[str]) -> int:
    arrays = read_arrays(folder)
    changed = without_customers(arrays, customer_ids)
    for name, array in changed.items():
        draft = folder / f"{name}.npy{_WRITING}"
        with draft.open("wb") as file:
            np.save(file, array, allow_pickle=False)
        draft.replace(folder / f"{name}.npy")
    return len(arrays["customers_offsets"]) - len(changed["customers_offsets"]) if changed else 0


def _history(arrays: dict[str, np.ndarray], customer_id: str, place: int) -> dict[str, Any]:
    known = slice(int(arrays["history_offsets"][place]), int(arrays["history_offsets"][place + 1]))
    return {
        c.CUSTOMER_ID: customer_id,
        "items": arrays["history_items"][known].tolist(),
        "kinds": arrays["history_kinds"][known].tolist(),
        "times": arrays["history_times"][known].tolist(),
    }
