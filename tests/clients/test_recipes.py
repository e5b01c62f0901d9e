"""The recipes of docs/events.md are lines of the scripts that the tests run."""

import re

from tests.clients.programs import HERE

DOCS = HERE.parents[1] / "docs" / "events.md"


def recipes(text: str) -> list[list[str]]:
    """The lines of each block of code in the section about clients."""
    section = re.split(r"^## ", text.partition("\n## Clients\n")[2], flags=re.MULTILINE)[0]
    return [block.splitlines() for block in re.findall(r"```(?:js|python)\n(.*?)```", section, re.DOTALL)]


def scripts_with(recipe: list[str]) -> list[str]:
    """The scripts that contain each line of the recipe."""
    texts = {path.name: path.read_text().splitlines() for path in (HERE / "scripts").iterdir()}
    return [name for name, lines in texts.items() if set(recipe) <= set(lines)]


def test_each_recipe_is_of_one_script_and_each_script_has_its_recipe() -> None:
    found = [scripts_with(recipe) for recipe in recipes(DOCS.read_text())]
    assert sorted(found) == sorted([path.name] for path in (HERE / "scripts").iterdir())


def test_a_recipe_that_was_never_run_would_be_found() -> None:
    assert scripts_with(["import { Analytics } from '@segment/analytics'"]) == []
    assert recipes("a\n\n## Clients\n\n```js\nx\n```\n\n## Next\n\n```js\ny\n```\n") == [["x"]]
