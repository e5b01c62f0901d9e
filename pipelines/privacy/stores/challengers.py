"""Challengers: trained families that wait to be published, with their backtests and replays."""

from datetime import datetime
from typing import Any

import msgspec

from contracts.files.atomic import replace_file
from contracts.privacy.erasable import DataClass, Person
from contracts.settings import Settings
from pipelines.privacy.family_files import erase_from_files, rows_in_files, without_replays_of
from pipelines.training.challengers import RECORD, Challenger


class TrainedStore:
    """`Erasable`. What a model has learnt from many stays; it says nothing of one of them."""

    name = "challengers"
    data_class: DataClass = "predictions"
    files = ("candidates/**/*",)

    def __init__(self, settings: Settings) -> None:
        self._root = settings.candidates_path

    def export(self, person: Person) -> list[dict[str, Any]]:
        return list(rows_in_files(self._root, person)) if self._root.is_dir() else []

    def erase(self, person: Person) -> int:
        if not self._root.is_dir():
            return 0
        erased = erase_from_files(self._root, person)
        for path in sorted(self._root.glob(f"*/{RECORD}")):
            record = msgspec.json.decode(path.read_bytes(), type=Challenger)
            replays = without_replays_of(record.replays, person)
            if len(replays) < len(record.replays):
                erased += len(record.replays) - len(replays)
                changed = msgspec.structs.replace(record, replays=replays)
                replace_file(path, msgspec.json.format(msgspec.json.encode(changed), indent=2))
        return erased

    def expire(self, before: datetime) -> int:
        return 0  # the next training replaces each
