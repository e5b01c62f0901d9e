"""A bundle: one immutable, hashed directory that holds everything that is served.

    <version>/
      manifest.json           versions, metrics, SHA-256 and size of every other file, requests to replay
      recommend/*.npy ...     one folder per family; a table family's own table is <family>/table.arrow
      tables/customers.arrow  the columns of every customer family, joined, one row per customer, sorted by id
      tables/items.arrow      the same for items
      tables/kpis.arrow       KPIs by month and channel; tables/cohorts.arrow: retention

Nothing is parsed before its hash is checked: `CURRENT` holds the manifest's hash, the manifest holds the others. The
formats are .npy without objects, Arrow IPC, LightGBM text and JSON; none of them can execute.
"""

import hashlib
import json
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from contracts.errors import BundleRefused

if TYPE_CHECKING:  # imported where they are used: commands that read manifests only start in a fraction of the time
    import numpy as np
    import pyarrow as pa

FORMAT_VERSION: Final = 5
MANIFEST: Final = "manifest.json"
MAX_MANIFEST_BYTES: Final = 16 * 1024 * 1024
SUFFIXES: Final = frozenset({".npy", ".arrow", ".txt", ".json"})
CUSTOMERS_TABLE: Final = "tables/customers.arrow"
ITEMS_TABLE: Final = "tables/items.arrow"
KPIS_TABLE: Final = "tables/kpis.arrow"
COHORTS_TABLE: Final = "tables/cohorts.arrow"
FAMILY_TABLE: Final = "table.arrow"
BACKTEST_TABLE: Final = "backtest.arrow"  # predictions for a past window, and the outcomes
FORECAST_FILE: Final = "demand/forecast.arrow"
DEMAND_HISTORY_FILE: Final = "demand/history.arrow"
DEMAND_LEVELS_FILE: Final = "demand/levels.arrow"
DEMAND_LEVEL_TOTALS_FILE: Final = "demand/level_totals.arrow"

FamilyKind = Literal["recommender", "customers", "items"]
# "unclear": the interval of the gain contains 0. "too_few": too few cases to judge. "nothing": the model predicted
# nothing that could be judged, for example no trend.
Finding = Literal["better", "unclear", "worse", "too_few", "nothing"]
Answerer = Literal["model", "baseline"]


class FileEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file's SHA-256 (hex) and size."""

    sha256: str
    size_bytes: int


class Verdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The finding, who answers, and the reason in a sentence.

    `gain` is how much better the model is than its baseline on the gate's metric, whichever direction is better;
    `gain_low` and `gain_high` are the ends of its 95 % interval. None where there is no interval.
    """

    finding: Finding
    answers: Answerer | None  # None: neither; the served version of the family stays
    reason: str
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None


class FamilyEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One family: its kind, its metrics beside its baseline's, and the run that made it."""

    kind: FamilyKind
    as_of: datetime  # no event at or after this instant was seen
    bundle_version: str  # the bundle in which this fit was first published
    run_id: str  # MLflow run
    model_version: str  # MLflow registered version
    baseline: str
    verdict: Verdict  # whether the model or the baseline answers, and why
    metrics: dict[str, float | None]
    baseline_metrics: dict[str, float | None]
    parameters: dict[str, Any]
    columns: dict[str, str]  # column of the table -> its description; empty for recommenders


class Replay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request, and the answer that the bundle must give to it."""

    route: Literal["recommend", "customer", "item"]
    request: dict[str, Any]
    expected: dict[str, Any]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The contents of manifest.json."""

    format_version: int
    version: str
    created_at: datetime
    window_start: datetime  # of the events that were used
    window_end: datetime
    consent_cut: datetime  # consent as it stood at this instant
    families: dict[str, FamilyEntry]
    files: dict[str, FileEntry]
    replays: dict[str, list[Replay]]  # by family
    settings: dict[str, Any]
    columns: dict[str, str] = {}  # customers' columns that no family has -> their description


class Bundle:
    """A verified bundle. Arrays and tables are memory-mapped, so that workers share their pages."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest

    @property
    def version(self) -> str:
        return self.manifest.version

    def has(self, name: str) -> bool:
        return name in self.manifest.files

    def array(self, name: str) -> "np.ndarray":
        import numpy as np

        return np.load(self._file(name), mmap_mode="r", allow_pickle=False)

    def arrays(self, folder: str) -> "dict[str, np.ndarray]":
        """Every .npy file directly in `folder`, by name without suffix."""
        names = [n for n in self.manifest.files if PurePosixPath(n).parent == PurePosixPath(folder)]
        return {PurePosixPath(n).stem: self.array(n) for n in names if n.endswith(".npy")}

    def text(self, name: str) -> str:
        return self._file(name).read_text(encoding="utf-8")

    def json(self, name: str) -> Any:
        return json.loads(self.text(name))

    def table(self, name: str) -> "pa.Table":
        return read_table(self._file(name))

    def _file(self, name: str) -> Path:
        if name not in self.manifest.files:
            known = ", ".join(sorted(self.manifest.files)) or "none"
            raise BundleRefused(f"bundle {self.version} has no file {name!r}; it has {known}.")
        return self.path / name


def write_arrays(folder: Path, arrays: "dict[str, np.ndarray]") -> None:
    """Write each array as <folder>/<name>.npy; object arrays are refused."""
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def read_arrays(folder: Path) -> "dict[str, np.ndarray]":
    """The arrays that `write_arrays` wrote, memory-mapped; the caller checks their hashes."""
    import numpy as np

    return {path.stem: np.load(path, mmap_mode="r", allow_pickle=False) for path in sorted(folder.glob("*.npy"))}


def write_table(path: Path, table: "pa.Table") -> None:
    """Write an uncompressed Arrow file, which can be memory-mapped."""
    import pyarrow as pa

    path.parent.mkdir(parents=True, exist_ok=True)
    # One chunk per column, so that a reader finds any row directly.
    combined = table.combine_chunks()
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, combined.schema) as writer:
        writer.write_table(combined)


def read_table(path: Path) -> "pa.Table":
    """Read what `write_table` wrote, memory-mapped."""
    import pyarrow as pa

    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


def hash_files(directory: Path) -> dict[str, FileEntry]:
    """The entry of every file below `directory`, except the manifest, by its relative POSIX path."""
    paths = sorted(p for p in directory.rglob("*") if p.is_file() and p.name != MANIFEST)
    return {p.relative_to(directory).as_posix(): FileEntry(file_sha256(p), p.stat().st_size) for p in paths}


def file_sha256(path: Path) -> str:
    """The file's SHA-256 in hex, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def encode_manifest(manifest: Manifest) -> bytes:
    """The bytes of manifest.json."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2)


def open_bundle(path: Path, manifest_sha256: str) -> Bundle:
    """Verify the bundle at `path` and open it; raises BundleRefused if any check fails.

    Order matters: the manifest's hash before its JSON, then every file's size and hash, before any of them is parsed.
    """
    manifest_path = path / MANIFEST
    if not manifest_path.is_file() or manifest_path.is_symlink():
        raise BundleRefused(f"{path} has no {MANIFEST}. Publish again, or roll back.")
    if manifest_path.stat().st_size > MAX_MANIFEST_BYTES:
        raise BundleRefused(f"{manifest_path} is larger than {MAX_MANIFEST_BYTES:,} bytes; it is not a manifest.")
    raw = manifest_path.read_bytes()
    if hashlib.sha256(raw).hexdigest() != manifest_sha256:
        raise BundleRefused(f"{manifest_path} is not the manifest that was published. Publish again, or roll back.")
    manifest = _decode_manifest(raw, manifest_path)
    _verify_files(path, manifest)
    return Bundle(path, manifest)


def _decode_manifest(raw: bytes, path: Path) -> Manifest:
    try:
        header = msgspec.json.decode(raw, type=dict[str, Any])
        if header.get("format_version") != FORMAT_VERSION:
            raise BundleRefused(
                f"{path} has format version {header.get('format_version')!r}; this Shopkeeper reads "
                f"{FORMAT_VERSION}. Run `shopkeeper retrain`, which trains and publishes with this version."
            )
        return msgspec.json.decode(raw, type=Manifest)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BundleRefused(f"{path} is not a manifest: {error}") from None


def _verify_files(path: Path, manifest: Manifest) -> None:
    found = {p.relative_to(path).as_posix() for p in path.rglob("*") if not p.is_dir()} - {MANIFEST}
    if found != set(manifest.files):
        raise BundleRefused(
            f"the files in {path} are not those of its manifest: missing {sorted(set(manifest.files) - found)}, "
            f"unexpected {sorted(found - set(manifest.files))}. Publish again, or roll back."
        )
    for name, entry in manifest.files.items():
        _verify_file(path / name, entry)


def _verify_file(path: Path, entry: FileEntry) -> None:
    if path.suffix not in SUFFIXES:
        raise BundleRefused(f"{path} has a suffix outside {sorted(SUFFIXES)}; bundles hold nothing else.")
    if path.is_symlink() or any(parent.is_symlink() for parent in path.parents):
        raise BundleRefused(f"{path} is reached through a symbolic link; bundles hold plain files only.")
    if path.stat().st_size != entry.size_bytes or file_sha256(path) != entry.sha256:
        raise BundleRefused(f"{path} is not the file that was published. Publish again, or roll back.")
