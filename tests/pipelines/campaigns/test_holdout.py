"""Random assignment to the holdout group: who is eligible, that it is random, and that it never changes."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from contracts import columns as c
from contracts.errors import InputError, NotEnoughData
from pipelines.campaigns.holdout import Assignment, assign_holdout, campaign_path, campaigns, minimum_detectable_lift
from tests.pipelines.wire import bought, consent, ingest_events, settings_in, wire

AT = datetime(2025, 5, 1, tzinfo=UTC)
YES = consent(marketing=True)


def customers(count: int) -> list[dict[str, object]]:
    """Customers who consent; every fourth ordered 21 days before AT."""
    said = [wire(f"w{number}", userId=f"c{number:04}", context=YES) for number in range(count)]
    return [*said, *(bought(f"b{number}", f"c{number:04}", {"tea": 1.0}, at=40) for number in range(0, count, 4))]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("store")
    others = [
        wire("n1", userId="refuses", context=consent(marketing=False)),
        wire("n2", userId="silent"),
        wire("n3", anonymousId="nobody", context=YES),
        wire("n4", userId="changed", context=YES),
        wire("n5", at=5, userId="changed", context=consent(marketing=False)),
        wire("n6", at=61, userId="silent"),
    ]
    ingest_events(home, *customers(2000), *others)
    return home


def assign(home: Path, campaign: str = "spring", share: float = 0.1) -> Assignment:
    return assign_holdout(settings_in(home), campaign, share, at=AT)


def held_out(assigned: Assignment) -> set[str]:
    return set(assigned.held_out.to_pylist())


def test_only_known_customers_who_consent_to_marketing_are_assigned(home: Path) -> None:
    assigned = assign(home)
    assert assigned.assignments[c.CUSTOMER_ID].to_pylist() == [f"c{number:04}" for number in range(2000)]
    assert set(assigned.contacted.to_pylist()).isdisjoint(held_out(assigned))
    assert len(assigned.contacted) + len(assigned.held_out) == 2000


def test_the_holdout_group_has_its_share_and_the_base_rate_is_right(home: Path) -> None:
    assigned = assign(home)
    assert len(assigned.held_out) == pytest.approx(200, abs=45)
    assert assigned.base_rate == pytest.approx(0.25)
    assert assigned.minimum_detectable_lift == minimum_detectable_lift(
        0.25, len(assigned.contacted), len(assigned.held_out)
    )


def test_an_assignment_can_be_repeated_and_keeps_its_time(home: Path) -> None:
    first = assign(home, "repeated")
    again = assign_holdout(settings_in(home), "repeated", 0.1)
    assert (first.is_new, again.is_new) == (True, False)
    assert again.assignments.equals(first.assignments)
    assert again.assigned_at == AT


def test_campaigns_are_assigned_independently(home: Path) -> None:
    one, other = assign(home, "one", 0.5), assign(home, "other", 0.5)
    assert len(held_out(one) & held_out(other)) == pytest.approx(500, abs=100)


def test_the_assignment_does_not_depend_on_the_order_history(home: Path) -> None:
    assigned = assign(home, "balanced", 0.5)
    ordered = np.mean([int(name[1:]) % 4 == 0 for name in held_out(assigned)])
    assert ordered == pytest.approx(0.25, abs=0.06)


@pytest.mark.parametrize("change", [{"share": 0.2}, {"eligible": ["c0001", "c0002"]}])
def test_a_campaign_is_never_assigned_anew(home: Path, change: dict[str, object]) -> None:
    assign(home, "fixed")
    before = campaign_path(settings_in(home), "fixed").read_bytes()
    with pytest.raises(InputError, match="never changed"):
        assign_holdout(settings_in(home), "fixed", **({"share": 0.1} | change))  # type: ignore[arg-type]
    assert campaign_path(settings_in(home), "fixed").read_bytes() == before


def test_eligible_narrows_and_never_widens(home: Path) -> None:
    assigned = assign_holdout(
        settings_in(home), "few", 0.5, eligible=["c0001", "c0002", "refuses", "nobody", "unheard-of"]
    )
    assert assigned.assignments[c.CUSTOMER_ID].to_pylist() == ["c0001", "c0002"]


def test_no_consenting_customer_is_an_error(home: Path) -> None:
    with pytest.raises(NotEnoughData, match="consented to marketing"):
        assign_holdout(settings_in(home), "none", eligible=["refuses"])
    assert not campaign_path(settings_in(home), "none").exists()


@pytest.mark.parametrize("name", ["", "../out", "Spring", "a b", "x" * 65, "a/b", ".hidden"])
def test_an_invalid_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="lower-case"):
        assign_holdout(settings_in(tmp_path), name)


@pytest.mark.parametrize("share", [0.0, -0.1, 0.6, float("nan")])
def test_an_invalid_share_is_refused(tmp_path: Path, share: float) -> None:
    with pytest.raises(InputError, match="share"):
        assign_holdout(settings_in(tmp_path), "spring", share)


def test_all_campaigns_are_read_in_the_declared_form(tmp_path: Path) -> None:
    assert campaigns(settings_in(tmp_path)).equals(c.ASSIGNMENTS.empty_table())
    ingest_events(tmp_path, *customers(8))
    assigned = [assign(tmp_path, "one", 0.5), assign(tmp_path, "two", 0.5)]
    found = campaigns(settings_in(tmp_path))
    assert found.schema == c.ASSIGNMENTS
    assert found.select(c.CAMPAIGNS.names).equals(pa.concat_tables([each.assignments for each in assigned]))
    assert set(found[c.HOLDOUT_SHARE].to_pylist()) == {0.5}


def test_only_the_owner_may_read_the_assignments(home: Path) -> None:
    path = assign(home).path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_smallest_lift_is_found_four_times_in_five() -> None:
    """Simulated campaigns with just that effect: a two-sided test at 5 % finds it with 80 % power."""
    contacted, left, rate = 9000, 1000, 0.2
    lift = minimum_detectable_lift(rate, contacted, left)
    assert lift is not None
    generator = np.random.default_rng(1)
    first = generator.binomial(contacted, rate + lift, 4000) / contacted
    second = generator.binomial(left, rate, 4000) / left
    spread = np.sqrt(first * (1 - first) / contacted + second * (1 - second) / left)
    assert np.mean((first - second) / spread > 1.96) == pytest.approx(0.8, abs=0.03)


def test_without_an_arm_or_an_order_no_lift_is_detectable() -> None:
    assert minimum_detectable_lift(0.2, 10, 0) is None
    assert minimum_detectable_lift(0.0, 10, 10) is None
