"""Challengers: trained families that wait to be published, one folder each.

    <home>/candidates/<family>/candidate.json   what it is, and how its backtest ended
                               files/           what goes into the bundle's folder of the family
                               table.arrow      table families only: its columns, one row per customer or item
                               files/backtest.arrow   where the family keeps it: its predictions and the outcomes

A family for which neither the model nor the baseline answers leaves only the JSON, which holds the reason; and the
table, where the served model of the family has scored customers or items as of now.
"""

import shutil
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from contracts.bundle import BACKTEST_TABLE, FORMAT_VERSION, FamilyKind, Replay, Verdict, read_table, write_table
from contracts.files.atomic import make_private

if TYPE_CHECKING:  # `shopkeeper status` reads the records, and starts without the engines
    import pyarrow as pa

    from pipelines.families.family import FittedFamily, Rescored

RECORD: Final = "candidate.json"
_FILES: Final = "files"
_TABLE: Final = "table.arrow"
_UNKNOWN: Final = Verdict("too_few", None, "")


class Challenger(msgspec.Struct, frozen=True):
    """The record of one trained family."""

    family: str
    kind: FamilyKind
    as_of: datetime
    trained_at: datetime
    baseline: str
    cases: int
    test_window_start: datetime | None  # None: there was no backtest
    test_window_end: datetime | None
    metrics: dict[str, float | None]
    baseline_metrics: dict[str, float | None]
    details: dict[str, Any]
    parameters: dict[str, Any]
    verdict: Verdict = _UNKNOWN  # records of earlier versions have none
    run_id: str = ""  # of MLflow, like `model_version`; empty until the run is recorded
    model_version: str = ""
    columns: dict[str, str] = {}
    replays: list[Replay] = []
    bundle_format: int = 0  # the FORMAT_VERSION of its files
    rescored_version: str = ""  # the `bundle_version` of the served fit that made the table, where neither answers

    @property
    def answers(self) -> bool:
        """Whether it holds a fit that can be published."""
        return self.verdict.answers is not None


class ChallengerStore:
    """Keeps the latest challenger of each family."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def save(
        self, challenger: Challenger, fitted: "FittedFamily | Rescored | None", predictions: "pa.Table | None" = None
    ) -> None:
        """Replace the family's challenger; where neither answers, `fitted` is what the served model says, or None."""
        make_private(self._root)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=self._root))
        try:
            self._write(draft, challenger, fitted, predictions)
            target = self._root / challenger.family
            if target.exists():
                shutil.rmtree(target)
            draft.rename(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def load(self, family: str) -> Challenger | None:
        """The family's latest challenger, if there is one; files of another bundle format cannot be published."""
        path = self._root / family / RECORD
        if not path.is_file():
            return None
        found = msgspec.json.decode(path.read_bytes(), type=Challenger)
        if found.bundle_format == FORMAT_VERSION:
            return found
        reason = f"trained for another bundle format; run `shopkeeper train {family}`"
        verdict = msgspec.structs.replace(found.verdict, answers=None, reason=reason)
        return msgspec.structs.replace(found, verdict=verdict, rescored_version="")

    def copy_files(self, family: str, folder: Path) -> None:
        """Copy the challenger's files into a bundle's folder of the family."""
        shutil.copytree(self._root / family / _FILES, folder, dirs_exist_ok=True)

    def table(self, family: str) -> "pa.Table | None":
        """The challenger's table, for table families."""
        path = self._root / family / _TABLE
        return read_table(path) if path.is_file() else None

    @staticmethod
    def _write(
        draft: Path, challenger: Challenger, fitted: "FittedFamily | Rescored | None", predictions: "pa.Table | None"
    ) -> None:
        from pipelines.families.family import FittedFamily

        (draft / RECORD).write_bytes(msgspec.json.format(msgspec.json.encode(challenger), indent=2))
        if fitted is not None and fitted.table is not None:
            write_table(draft / _TABLE, fitted.table)
        if isinstance(fitted, FittedFamily):
            (draft / _FILES).mkdir()
            fitted.write_files(draft / _FILES)
            if predictions is not None:
                write_table(draft / _FILES / BACKTEST_TABLE, predictions)
