"""Parameters are documented from their declarations, and docs/settings.md holds them all."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from contracts.validation.bounds import INVENTORY_TERMS
from models.inventory.terms import ItemTerms
from pipelines.families.registry import FAMILIES
from pipelines.training.described_parameters import Parameter, described, markdown_table

SETTINGS = Path(__file__).parents[3] / "docs" / "settings.md"


@dataclass(frozen=True)
class Inherited:
    """Fields that another class adds to."""

    trees: int = 5  # of a forest; at most | many


@dataclass(frozen=True)
class Example(Inherited):
    """Fields with a comment behind, above, and without any."""

    # Half of the weight
    # is gone after these.
    half_life_days: float | None = None
    nothing: str = "a # b"


def test_a_meaning_is_the_comment_behind_a_field_or_above_it() -> None:
    assert described(Example) == [
        Parameter("trees", "int", 5, "of a forest; at most | many"),
        Parameter("half_life_days", "float | None", None, "Half of the weight is gone after these."),
        Parameter("nothing", "str", "a # b", ""),
    ]
    assert "| `trees` | int | `5` | of a forest; at most \\| many |" in markdown_table(described(Example))


@pytest.mark.parametrize("name", FAMILIES)
def test_every_parameter_of_a_family_has_a_meaning_and_is_in_the_settings_page(name: str) -> None:
    found = described(FAMILIES[name].parameters)
    assert [each.name for each in found if not each.meaning] == []
    assert f"### {name}\n\n{markdown_table(found)}" in SETTINGS.read_text(), "shopkeeper parameters --format markdown"


def test_every_term_of_an_item_has_a_meaning_and_is_in_the_settings_page() -> None:
    found = described(ItemTerms)
    assert [each.name for each in found if not each.meaning or each.name not in INVENTORY_TERMS] == []
    assert markdown_table(found).strip() in SETTINGS.read_text(), "shopkeeper parameters --format markdown"
