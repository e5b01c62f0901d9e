from datetime import UTC, datetime

import pytest

from contracts.privacy.erasable import Person, ids_of, texts

PERSON = Person(frozenset({"ada", "device-1", "Ada@Example.org"}), datetime(2026, 1, 1, tzinfo=UTC))


def test_a_customer_may_have_been_known_by_any_id() -> None:
    assert {"ada", "anonymous:device-1", "Ada@Example.org"} <= PERSON.customer_ids


@pytest.mark.parametrize(
    ("raw", "is_named"),
    [
        ('{"userId": "ada"}', True),
        ('{"Email": " ada@example.ORG", "Total": 5}', True),
        ('{"rows": [{"a": ["device-1"]}]}', True),
        ('{"userId": "adam", "note": "ada is here"}', False),
        ('{"userId": "ada", "broken', True),
        ('{"mail": "ADA@example.org, broken', True),
        ('{"userId": "bob", "broken', False),
        (b'\xff"ada"', True),
    ],
)
def test_a_record_names_the_person_in_any_field_also_if_it_is_broken(raw: bytes | str, is_named: bool) -> None:
    assert PERSON.is_named_in(raw) is is_named


def test_the_ids_of_an_event_are_those_of_its_id_fields_and_its_addresses() -> None:
    raw = b'{"userId": 7, "anonymousId": "a", "previousId": " b ", "context": {"traits": {"email": "c@d.e"}}, "x": "y"}'
    assert ids_of(raw) == {"7", "a", "b", "c@d.e"}
    assert ids_of(b"[1]") == ids_of(b"{") == ids_of(b'{"userId": ["x"], "context": 5}') == set()


def test_every_text_and_number_of_a_value_is_found() -> None:
    assert sorted(texts({"a": [1, True, None, {"b": " c "}]})) == ["1", "a", "b", "c"]
