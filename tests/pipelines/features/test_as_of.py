"""A cut-off as a literal and as a bound parameter: both are the same instant, down to the last digit."""

import ibis
import pytest

from pipelines.features.as_of import seconds_since_1970, timestamp
from tests.worlds import day


@pytest.mark.parametrize("at", [0.0, 20.123456, -1e-5, 123.999999], ids=str)
def test_a_bound_parameter_has_the_seconds_of_the_datetime(at: float) -> None:
    bound = ibis.memtable({"at": [day(at)]}).select("at").as_scalar()
    assert seconds_since_1970(bound).as_table().to_pyarrow().to_pydict().popitem()[1] == [day(at).timestamp()]
    assert seconds_since_1970(day(at)) == day(at).timestamp()


def test_both_are_the_engines_timestamp() -> None:
    bound = ibis.memtable({"at": [day(3)]}).select("at").as_scalar()
    assert timestamp(bound) is bound
    assert timestamp(day(3)).equals(ibis.literal(day(3)))
