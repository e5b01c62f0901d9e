import tomllib
from pathlib import Path

import msgspec
import pytest

from contracts.errors import InputError
from pipelines.ingest.readers.tables import language
from pipelines.ingest.readers.tables.mapping import load_mapping, shipped_mappings

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
    loaded = load_mapping(str(path))
    assert loaded.source == "clicks"
    assert loaded.columns() == {"time", "who", "visit", "action"}


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
        ('source = "server:shop"\n' + MINIMAL, "begin those of API keys"),
        ('source = "file"\n' + MINIMAL, "Give `source` another name"),
        ('[constants]\ncolour = "red"\n' + MINIMAL, "unknown fields colour"),
        ("rules = []\n[fields]\ntimestamp = 't'\n", "`rules` is empty"),
        ("this is not toml", "mapping"),
        ("source = " + "[" * 5000 + "]" * 5000, "mapping"),
    ],
)
def test_an_invalid_mapping_is_refused_with_the_reason(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(tmp_path / "m.toml", text)


def test_an_unknown_mapping_lists_those_shipped() -> None:
    with pytest.raises(InputError, match=r"'no_such' is neither a readable file nor .*online_retail"):
        load_mapping("no_such")


def test_the_worked_example_in_the_documentation_is_the_shipped_mapping() -> None:
    page = (Path(__file__).parents[5] / "docs" / "events.md").read_text()
    example = page.partition("```toml\n")[2].partition("```")[0]
    shipped = Path(language.__file__).parents[1] / "mappings" / "online_retail.toml"
    assert tomllib.loads(example) == tomllib.loads(shipped.read_text())


def test_the_documentation_names_every_key_of_the_language() -> None:
    page = (Path(__file__).parents[5] / "docs" / "events.md").read_text()
    structs = [each for each in vars(language).values() if isinstance(each, type) and issubclass(each, msgspec.Struct)]
    keys = {key for struct in structs for key in struct.__struct_fields__}
    assert {"timestamp", "undone_by", "copies", "leave_out", "aliases"} <= keys
    forms = ("`{}`", "[{}]", ".{}]", "[{}.", ".{}`")
    assert not [key for key in keys if not any(form.format(key) in page for form in forms)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source = 'file'\n" + MINIMAL, "is that of JSON lines"),
        (MINIMAL.replace('timestamp = "time"', ""), "`timestamp` is needed.*Product Viewed"),
        ("source = 'x'\n", r"give \[fields\].* or \[items\]"),
        ("lower_case = ['colour']\n" + MINIMAL, "lower_case has unknown fields colour"),
        (MINIMAL + "[carry_down]\ncolumns = ['a']\n", "give either `key`"),
        (MINIMAL + "[carry_down]\ncolumns = ['a']\nkey = 'b'\nstart = { c = 'd' }\n", "give either `key`"),
        (MINIMAL + "[carry_down]\ncolumns = ['a']\nstart = { c = '(' }\n", "not a regular expression"),
        (MINIMAL + "[joined.name]\ncolumns = ['a', 'b']\nbetween = []\n", "one text fewer"),
        ("[items]\nitem_id = 'a'\n[[items.rules]]\nwhen = { b = '(' }\n", "not a regular expression"),
        (MINIMAL + "undone_by = 'Product Viewed'\n", "Invalid enum value"),
    ],
)
def test_parts_that_do_not_fit_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(tmp_path / "m.toml", text)


def test_identify_needs_no_time(tmp_path: Path) -> None:
    text = MINIMAL.replace('timestamp = "time"', "").replace("Product Viewed", "identify")
    (tmp_path / "m.toml").write_text(text)
    assert load_mapping(str(tmp_path / "m.toml")).columns() == {"who"}
