from pathlib import Path

import pytest

from contracts.errors import InputError
from pipelines.readers.mapping import load_mapping, shipped_mappings

MINIMAL = """
[fields]
timestamp = "time"
user_id = "who"
[[rules]]
event = "Product Viewed"
"""


def load(path: Path, text: str) -> object:
    path.write_text(text)
    return load_mapping(str(path))


def test_the_shipped_mappings_load() -> None:
    assert "online_retail" in shipped_mappings()
    for name in shipped_mappings():
        assert load_mapping(name).source == name


def test_a_mapping_file_is_named_after_itself_and_knows_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "clicks.toml"
    path.write_text('anonymous_id = "visit-{visit}"\n' + MINIMAL + 'when = { action = "view" }\n')
    mapping = load_mapping(str(path))
    assert mapping.source == "clicks"
    assert mapping.columns() == {"time", "who", "visit", "action"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour = 1\n" + MINIMAL, "colour"),
        (MINIMAL + "colour = 1\n", "colour"),
        (MINIMAL.replace("timestamp", "moment"), "timestamp|moment"),
        (MINIMAL.replace("Product Viewed", "Product Seen"), "'Product Seen' is not an event"),
        (MINIMAL + 'reject = "x"\n', "either `event` or `reject`"),
        (MINIMAL.replace("event =", "reject ="), "a code has small letters"),
        (MINIMAL.replace('event = "Product Viewed"', 'reject = "odd"'), "needs a `reason`"),
        (MINIMAL + "when = { who = '(' }\n", "not a regular expression"),
        ('timezone = "Mars/Olympus"\n' + MINIMAL, "Mars/Olympus"),
        ('encoding = "klingon"\n' + MINIMAL, "klingon"),
        ('delimiter = ";;"\n' + MINIMAL, "one character"),
        ('[constants]\ncolour = "red"\n' + MINIMAL, "unknown fields colour"),
        ("rules = []\n[fields]\ntimestamp = 't'\n", "`rules` is empty"),
        ("this is not toml", "mapping"),
    ],
)
def test_what_is_wrong_with_a_mapping_is_said(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(tmp_path / "m.toml", text)


def test_an_unknown_mapping_lists_those_shipped() -> None:
    with pytest.raises(InputError, match=r"'no_such' is neither a readable file nor .*online_retail"):
        load_mapping("no_such")
