"""The quarantine: refused records that name the person in any field."""

from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from contracts.privacy.erasable import DataClass, Person
from contracts.settings import Settings
from pipelines.warehouse import file_index
from pipelines.warehouse.warehouse import open_warehouse


class QuarantineStore:
    """`Erasable`."""

    name = "quarantine"
    data_class: DataClass = "quarantine"
    files = ("warehouse/tables/quarantine-*.parquet",)

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def export(self, person: Person) -> list[dict[str, Any]]:
        refused = open_warehouse(self._settings).quarantine().to_pyarrow()
        return refused.filter(_names(refused, person)).to_pylist()

    def erase(self, person: Person) -> int:
        warehouse = open_warehouse(self._settings)
        with warehouse.writing() as draft:
            refused = warehouse.quarantine().to_pyarrow()
            kept = refused.filter(pc.invert(_names(refused, person)))
            if kept.num_rows < refused.num_rows:
                draft.write_table("quarantine", warehouse.register(kept))
                draft.commit(warehouse.index.log, None)
                file_index.remove_unlisted(warehouse.root, warehouse.index)
        return refused.num_rows - kept.num_rows

    def expire(self, before: datetime) -> int:
        warehouse = open_warehouse(self._settings)
        with warehouse.writing() as draft:
            refused = warehouse.quarantine().to_pyarrow()
            kept = refused.filter(pc.greater_equal(refused[c.RECEIVED_AT], pa.scalar(before, c.TIMESTAMP)))
            if kept.num_rows < refused.num_rows:
                draft.write_table("quarantine", warehouse.register(kept))
                draft.commit(warehouse.index.log, None)
                file_index.remove_unlisted(warehouse.root, warehouse.index)
        return refused.num_rows - kept.num_rows


def _names(refused: pa.Table, person: Person) -> pa.Array:
    rows = zip(refused[c.RAW].to_pylist(), refused[c.RECEIVED_AT].to_pylist(), strict=True)
    return pa.array([at <= person.until and person.is_named_in(raw) for raw, at in rows], pa.bool_())
