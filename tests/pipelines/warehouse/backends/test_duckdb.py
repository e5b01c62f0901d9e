import warnings
from pathlib import Path

import ibis

from contracts.settings import load_settings
from pipelines.warehouse.backends.duckdb import connect


def test_times_are_utc_and_memory_is_bounded_and_spills_to_the_home(tmp_path: Path) -> None:
    connection = connect(load_settings(home=tmp_path, memory_mib=300))
    asked = "SELECT current_setting('TimeZone'), current_setting('memory_limit'), current_setting('temp_directory')"
    zone, memory, folder = connection.raw_sql(asked).fetchone()
    assert zone == "UTC"
    assert memory.startswith("300")
    assert Path(folder).parent == tmp_path


def test_no_warning_of_a_library_reaches_the_user(tmp_path: Path) -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        connection = connect(load_settings(home=tmp_path))
        table = connection.create_table("numbers", ibis.memtable({"n": [1]}), temp=True)
        assert connection.create_view("view", table).to_pyarrow().num_rows == 1
    assert [str(warning.message) for warning in seen] == []
