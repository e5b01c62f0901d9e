from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from contracts import columns as c
from contracts.errors import InputError, NotEnoughData
from pipelines.campaigns.holdout import assign_holdout
from pipelines.campaigns.results import lift_of, results, split_p_value
from tests.pipelines.wire import START, bought, consent, ingest_events, settings_in, track, wire

AT = START + timedelta(days=10)
YES = consent(marketing=True)


def store_with_results(home: Path) -> None:
    """600 customers, half held out: every contacted one orders within the 30 days, and of the others only later."""
    said = [wire(f"w{number}", userId=f"c{number:03}", context=YES) for number in range(600)]
    ingest_events(home, *said)
    assigned = assign_holdout(settings_in(home), "spring", 0.5, at=AT)
    orders = [bought(f"o{name}", name, {"tea": 1.0}, at=12) for name in assigned.contacted.to_pylist()]
    late = [bought(f"l{name}", name, {"tea": 1.0}, at=41) for name in assigned.held_out.to_pylist()]
    before = [bought(f"b{name}", name, {"tea": 1.0}, at=9) for name in assigned.held_out.to_pylist()]
    returned = [
        track(
            "r1", "Order Refunded", 13, userId="c", properties={"order_id": f"order-o{assigned.contacted[0].as_py()}"}
        )
    ]
    ingest_events(home, *orders, *late, *before, *returned)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("store")
    store_with_results(home)
    return home


def test_only_orders_in_the_days_after_the_assignment_count(home: Path) -> None:
    found = results(settings_in(home), "spring")
    assert found.lift.held_out_rate == 0
    assert found.lift.contacted_rate == pytest.approx(1 - 1 / found.lift.contacted)  # one was refunded
    assert (found.is_complete, found.until) == (True, AT + timedelta(days=30))
    assert found.lift.extra_customers == pytest.approx(found.lift.contacted - 1)
    assert not found.is_split_suspicious


def test_later_orders_count_where_more_days_are_asked_for(home: Path) -> None:
    found = results(settings_in(home), "spring", outcome_days=60)
    assert found.lift.held_out_rate == 1
    assert not found.is_complete


def test_a_sample_ratio_mismatch_is_found(home: Path, tmp_path: Path) -> None:
    """The negative control of the check: half of those held out are taken out of the file."""
    settings = settings_in(home)
    path = home / "campaigns" / "spring.parquet"
    whole = path.read_bytes()
    table = pq.read_table(path)
    is_kept = [arm == "contacted" or number % 2 == 0 for number, arm in enumerate(table[c.ARM].to_pylist())]
    pq.write_table(table.filter(np.array(is_kept)), path)
    try:
        assert results(settings, "spring").is_split_suspicious
    finally:
        path.write_bytes(whole)
    assert not results(settings, "spring").is_split_suspicious


def test_an_unknown_campaign_names_those_there_are(home: Path) -> None:
    with pytest.raises(InputError, match="there are: spring"):
        results(settings_in(home), "autumn")


def test_an_empty_arm_is_an_error(tmp_path: Path) -> None:
    ingest_events(tmp_path, wire("w", userId="ann", context=YES))
    assign_holdout(settings_in(tmp_path), "spring", 0.001, at=datetime(2025, 5, 1, tzinfo=UTC))
    with pytest.raises(NotEnoughData, match="nobody to compare with"):
        results(settings_in(tmp_path), "spring")


def test_the_interval_is_the_published_one() -> None:
    """Newcombe 1998, table II, example (a): 56/70 less 48/80 is 0.2, from 0.0524 to 0.3339."""
    lift = lift_of(np.repeat([1, 0], [56, 14]), np.repeat([1, 0], [48, 32]))
    assert (lift.lift, lift.lift_low, lift.lift_high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_the_split_test_by_hand() -> None:
    assert split_p_value(900, 100, 0.1) == pytest.approx(1)
    assert split_p_value(50, 62, 0.5) == pytest.approx(0.2568, abs=1e-4)  # chi-square 144/112
    assert split_p_value(900, 150, 0.1) < 0.001
