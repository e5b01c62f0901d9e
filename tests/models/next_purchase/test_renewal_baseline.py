"""The baseline of the next order: the customer's own mean gap."""

import numpy as np
import pytest

from models.next_purchase.hazard_curves import interval_edges
from models.next_purchase.renewal_baseline import OwnRhythm
from tests.models.next_purchase.worlds import followed, memoryless, rhythmic

EDGES = interval_edges(100)


def test_one_gap_after_the_last_order_is_when_the_next_is_due() -> None:
    rhythm = OwnRhythm.fit([rhythmic(4000, 1)], usual_gap_days=40)
    asked = followed(np.array([10.0, 10.0]), np.array([30.0, 50.0]), np.array([np.inf, np.inf]))
    assert rhythm.curves(asked.numbers, EDGES).days_until(0.5) == pytest.approx([20, 40], abs=4)


def test_who_ordered_once_has_the_stores_gap() -> None:
    once = followed(np.full(2000, 10.0), np.full(2000, np.nan), np.full(2000, 20.0))
    rhythm = OwnRhythm.fit([once], usual_gap_days=30)
    assert rhythm.curves(once.numbers[:1], EDGES).days_until(0.5)[0] == pytest.approx(20, abs=7)


def test_a_random_rate_is_found_whatever_the_silence() -> None:
    world = memoryless(20_000, 1)
    chances = OwnRhythm.fit([world], 40).curves(world.numbers, EDGES).chance_within(50)
    assert chances.mean() == pytest.approx(1 - np.exp(-1), abs=0.02)


def test_being_watched_for_a_shorter_time_does_not_bend_the_rate() -> None:
    short, long = memoryless(20_000, 1, days=20), memoryless(20_000, 2, days=100)
    chances = [
        OwnRhythm.fit([world], 40).curves(long.numbers, EDGES).chance_within(20).mean() for world in (short, long)
    ]
    assert chances[0] == pytest.approx(chances[1], abs=0.03)


def test_nobody_at_all_is_no_error() -> None:
    nobody = followed(np.empty(0), np.empty(0), np.empty(0))
    assert OwnRhythm.fit([nobody], 40).curves(nobody.numbers, EDGES).chance_within(30).shape == (0,)


def test_what_is_written_is_what_is_read() -> None:
    rhythm = OwnRhythm.fit([rhythmic(200, 1)], 40)
    read = OwnRhythm.from_json(rhythm.to_json())
    asked = rhythmic(50, 2).numbers
    assert (read.curves(asked, EDGES).hazards == rhythm.curves(asked, EDGES).hazards).all()


def test_a_longer_silence_than_was_ever_seen_goes_on_as_the_longest() -> None:
    """Nobody who was silent for five gaps came back; who is silent for twenty is not like the average customer."""
    training = followed(
        np.r_[np.full(500, 10.0), np.full(500, 150.0)],
        np.full(1000, 30.0),
        np.r_[np.full(500, 20.0), np.full(500, np.inf)],
    )
    rhythm = OwnRhythm.fit([training], 40)
    asked = followed(np.array([10.0, 150.0, 600.0]), np.full(3, 30.0), np.full(3, np.inf))
    soon, late, later = rhythm.curves(asked.numbers, EDGES).chance_within(100)
    assert soon > 0.9
    assert late < 0.1
    assert later < 0.1
