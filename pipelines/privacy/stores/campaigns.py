"""Campaigns: who was to be contacted, who was held out, and the further ids of those."""

import io
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.feather as feather
import pyarrow.parquet as pq

from contracts import columns as c
from contracts.campaigns import DRAWN_ID, HELD_OUT_IDS, campaigns_folder
from contracts.files.atomic import PRIVATE, replace_file
from contracts.privacy.erasable import DataClass, Person
from contracts.settings import Settings


class CampaignStore:
    """`Erasable`. A campaign's results then miss the person in both arms alike."""

    name = "campaigns"
    data_class: DataClass = "campaigns"
    files = ("campaigns/*.parquet", f"campaigns/{HELD_OUT_IDS}")

    def __init__(self, settings: Settings) -> None:
        self._folder = campaigns_folder(settings)

    def export(self, person: Person) -> list[dict[str, Any]]:
        assigned = [pq.read_table(path) for path in self._paths()]
        return [row for table in assigned for row in table.filter(_is_of(table[c.CUSTOMER_ID], person)).to_pylist()]

    def erase(self, person: Person) -> int:
        erased = 0
        for path in self._paths():
            table = pq.read_table(path)
            kept = table.filter(pc.invert(_is_of(table[c.CUSTOMER_ID], person)))
            if kept.num_rows < table.num_rows:
                content = io.BytesIO()
                pq.write_table(kept, content, compression="zstd")
                replace_file(path, content.getvalue(), PRIVATE)
                erased += table.num_rows - kept.num_rows
        return erased + self._erase_held_out_ids(person)

    def expire(self, before: datetime) -> int:
        old = [path for path in self._paths() if pc.max(pq.read_table(path)[c.ASSIGNED_AT]).as_py() < before]
        for path in old:
            path.unlink()
        return len(old)

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("*.parquet"))

    def _erase_held_out_ids(self, person: Person) -> int:
        path = self._folder / HELD_OUT_IDS
        if not path.is_file():
            return 0
        table = feather.read_table(path, memory_map=False)
        is_own = pc.or_(_is_of(table[DRAWN_ID], person), _is_of(table[c.CUSTOMER_ID], person))
        kept = table.filter(pc.invert(is_own))
        if kept.num_rows < table.num_rows:
            content = io.BytesIO()
            feather.write_feather(kept, content)
            replace_file(path, content.getvalue(), PRIVATE)
        return table.num_rows - kept.num_rows


def _is_of(column: pa.ChunkedArray, person: Person) -> pa.ChunkedArray:
    return pc.is_in(column, pa.array(sorted(person.customer_ids), pa.string()))
