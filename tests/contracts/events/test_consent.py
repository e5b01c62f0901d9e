"""Consent per purpose, in every form."""

from typing import Any

import pytest

from contracts.events.consent import MAX_UNREAD, read_consent

REFUSED = {"analytics": False, "marketing": False}


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"categoryPreferences": {"analytics": True, "Functional": False, "advertising": True}}, (True, False, True)),
        ({"categoryPreferences": {"Analytics": None, "Advertising": False}}, (None, None, False)),
        (
            {
                "provider": "oneTrust",
                "resolutionStrategy": "or",
                "allowedConsentIds": ["analytics", "C0003"],
                "deniedConsentIds": ["marketing"],
            },
            (True, True, False),
        ),
        ({"allowedConsentIds": {"purposes": ["statistics"]}, "deniedConsentIds": "targeting"}, (True, None, False)),
        ({"allowedConsentIds": ["analytics"], "deniedConsentIds": ["analytics"]}, (False, None, None)),
        ({"analytics_storage": "denied", "ad_storage": "granted", "ad_user_data": "denied"}, (False, None, False)),
        (
            {"analyticsProcessingAllowed": False, "marketingAllowed": True, "saleOfDataAllowed": False},
            (False, None, True),
        ),
        ({"analytics": "no", "personalisation": 1, "marketing": "opted-out"}, (False, True, False)),
        ({"preferences": {"analytics": False}}, (False, None, None)),
        (False, (False, False, False)),
        ("granted", (True, True, True)),
        ({"globalPrivacyControl": True}, (None, None, False)),
        ({"globalPrivacyControl": False}, (None, None, None)),
        ({"necessary": True, "version": "3", "updatedAt": "2026-01-01"}, (None, None, None)),
        (None, (None, None, None)),
        ([], (None, None, None)),
    ],
)
def test_every_form_is_read(stated: Any, expected: tuple[bool | None, ...]) -> None:
    assert read_consent([stated], {}) == (expected, [])


def test_of_two_statements_the_refusal_counts() -> None:
    yes, no = {"analytics": True}, {"analytics_storage": "denied"}
    assert read_consent([yes, no], {})[0] == read_consent([no, yes], {})[0] == (False, None, None)


def test_a_store_says_what_its_own_categories_mean() -> None:
    stated = {"categoryPreferences": {"cat-7": False, "C0002": False}}
    assert read_consent([stated], {"CAT-7": "marketing"})[0] == (False, None, False)
    assert read_consent([stated], {"c0002": "personalization"}) == ((None, False, None), ["consent: cat-7"])


@pytest.mark.parametrize(
    "stated", [{"cookies": "some"}, {"analytics": "perhaps"}, "TCF", {"allowedConsentIds": ["x9"]}]
)
def test_what_is_not_known_is_named(stated: Any) -> None:
    consent, unread = read_consent([stated], {})
    assert consent == (None, None, None)
    assert len(unread) == 1


def test_names_are_bounded() -> None:
    _, unread = read_consent([{"x" * 500 + str(number): 5 for number in range(99)}], {})
    assert len(unread) == MAX_UNREAD
    assert max(map(len, unread)) < 80
    deep: Any = {"consent": False}
    for _ in range(50):
        deep = {"consent": deep}
    assert read_consent([deep], {})[0] == (None, None, None)
