"""DuckDB as the engine of the warehouse."""

import warnings
from typing import Any

import ibis

from contracts.settings import Settings


def connect(settings: Settings) -> Any:
    """An ibis connection with bounded memory, which spills to disk under `home`."""
    # DuckDB fuses nested selects itself. That ibis does so too, in Python, is a quarter of the time that it takes to
    # compile a query of features.
    ibis.options.sql.fuse_selects = False
    # ibis 12 reads schemas through a name that DuckDB 1.5 calls deprecated; a user can do nothing about it.
    warnings.filterwarnings("ignore", r"fetch_arrow_table\(\) is deprecated", DeprecationWarning)
    spill = settings.home.resolve() / "spill"
    spill.mkdir(parents=True, exist_ok=True)
    connection = ibis.duckdb.connect(
        threads=settings.threads, memory_limit=f"{settings.memory_mib}MiB", temp_directory=str(spill)
    )
    connection.raw_sql("SET TimeZone = 'UTC'")
    connection.raw_sql("SET parquet_metadata_cache = true")  # files never change, and there are many
    return connection
