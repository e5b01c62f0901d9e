"""The registry and the table of names have the same families in the same order."""

from pipelines.families.names import FAMILY_NAMES
from pipelines.families.registry import FAMILIES


def test_the_declared_names_are_those_of_the_registry() -> None:
    assert list(FAMILY_NAMES) == list(FAMILIES)
    assert all(FAMILY_NAMES.values())
