"""The draw of a holdout: who may be drawn, that it is random, and that it never changes."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from contracts import columns as c
from contracts.errors import InputError, NotEnoughData
from pipelines.campaigns.holdout import Draw, campaign_path, campaigns, draw_holdout, smallest_lift
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


def draw(home: Path, campaign: str = "spring", share: float = 0.1) -> Draw:
    return draw_holdout(settings_in(home), campaign, share, at=AT)


def held_out(drawn: Draw) -> set[str]:
    return set(drawn.held_out.to_pylist())


def test_only_known_customers_who_said_yes_to_marketing_are_drawn(home: Path) -> None:
    drawn = draw(home)
    assert drawn.assignments[c.CUSTOMER_ID].to_pylist() == [f"c{number:04}" for number in range(2000)]
    assert set(drawn.contacted.to_pylist()).isdisjoint(held_out(drawn))
    assert len(drawn.contacted) + len(drawn.held_out) == 2000


def test_the_share_is_held_out_and_the_base_rate_is_theirs(home: Path) -> None:
    drawn = draw(home)
    assert len(drawn.held_out) == pytest.approx(200, abs=45)
    assert drawn.base_rate == pytest.approx(0.25)
    assert drawn.smallest_lift == smallest_lift(0.25, len(drawn.contacted), len(drawn.held_out))


def test_a_draw_can_be_repeated_and_keeps_its_time(home: Path) -> None:
    first = draw(home, "repeated")
    again = draw_holdout(settings_in(home), "repeated", 0.1)
    assert (first.is_new, again.is_new) == (True, False)
    assert again.assignments.equals(first.assignments)
    assert again.assigned_at == AT


def test_campaigns_are_drawn_independently(home: Path) -> None:
    one, other = draw(home, "one", 0.5), draw(home, "other", 0.5)
    assert len(held_out(one) & held_out(other)) == pytest.approx(500, abs=100)


def test_the_order_history_has_no_say(home: Path) -> None:
    drawn = draw(home, "balanced", 0.5)
    ordered = np.mean([int(name[1:]) % 4 == 0 for name in held_out(drawn)])
    assert ordered == pytest.approx(0.25, abs=0.06)


@pytest.mark.parametrize("change", [{"share": 0.2}, {"among": ["c0001", "c0002"]}])
def test_a_campaign_is_never_drawn_anew(home: Path, change: dict[str, object]) -> None:
    draw(home, "fixed")
    before = campaign_path(settings_in(home), "fixed").read_bytes()
    with pytest.raises(InputError, match="never changed"):
        draw_holdout(settings_in(home), "fixed", **({"share": 0.1} | change))  # type: ignore[arg-type]
    assert campaign_path(settings_in(home), "fixed").read_bytes() == before


def test_among_narrows_and_never_widens(home: Path) -> None:
    drawn = draw_holdout(settings_in(home), "few", 0.5, among=["c0001", "c0002", "refuses", "nobody", "unheard-of"])
    assert drawn.assignments[c.CUSTOMER_ID].to_pylist() == ["c0001", "c0002"]


def test_nobody_who_may_be_contacted_is_said(home: Path) -> None:
    with pytest.raises(NotEnoughData, match="consented to marketing"):
        draw_holdout(settings_in(home), "none", among=["refuses"])
    assert not campaign_path(settings_in(home), "none").exists()


@pytest.mark.parametrize("name", ["", "../out", "Spring", "a b", "x" * 65, "a/b", ".hidden"])
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="lower-case"):
        draw_holdout(settings_in(tmp_path), name)


@pytest.mark.parametrize("share", [0.0, -0.1, 0.6, float("nan")])
def test_what_is_no_share_is_refused(tmp_path: Path, share: float) -> None:
    with pytest.raises(InputError, match="share"):
        draw_holdout(settings_in(tmp_path), "spring", share)


def test_all_campaigns_are_read_in_the_declared_form(tmp_path: Path) -> None:
    assert campaigns(settings_in(tmp_path)).equals(c.CAMPAIGNS.empty_table())
    ingest_events(tmp_path, *customers(8))
    drawn = [draw(tmp_path, "one", 0.5), draw(tmp_path, "two", 0.5)]
    found = campaigns(settings_in(tmp_path))
    assert found.schema == c.CAMPAIGNS
    assert found.equals(pa.concat_tables([each.assignments for each in drawn]))


def test_only_the_owner_may_read_who_was_drawn(home: Path) -> None:
    path = draw(home).path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_smallest_lift_is_found_four_times_in_five() -> None:
    """Simulated campaigns with just that effect: a two-sided test at 5 % finds it with 80 % power."""
    contacted, left, rate = 9000, 1000, 0.2
    lift = smallest_lift(rate, contacted, left)
    assert lift is not None
    generator = np.random.default_rng(1)
    first = generator.binomial(contacted, rate + lift, 4000) / contacted
    second = generator.binomial(left, rate, 4000) / left
    spread = np.sqrt(first * (1 - first) / contacted + second * (1 - second) / left)
    assert np.mean((first - second) / spread > 1.96) == pytest.approx(0.8, abs=0.03)


def test_what_cannot_be_said_is_not() -> None:
    assert smallest_lift(0.2, 10, 0) is None
    assert smallest_lift(0.0, 10, 10) is None
