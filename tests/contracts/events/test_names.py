"""The names of track events."""

from contracts.events.names import EVENT_NAMES, V1_ALIASES, canonical_name


def test_names_are_known_in_any_case_and_with_underscores() -> None:
    assert {canonical_name(name.upper().replace(" ", "_")) for name in EVENT_NAMES} == set(EVENT_NAMES)
    assert {alias: canonical_name(f" {alias} ") for alias in V1_ALIASES} == V1_ALIASES


def test_other_names_are_none() -> None:
    assert canonical_name("Newsletter Signed Up") is None
