"""Consent per purpose, from every form in which senders state it.

Read are Segment's `categoryPreferences`, RudderStack's `consentManagement` (allowed and denied ids), Google's consent
mode v2 (`analytics_storage: "denied"`), Shopify's customer privacy object, and plain flags. A category that is not
known is reported by name, so that the store can say in the setting `consent_categories` what it means.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, get_args

Purpose = Literal["analytics", "personalization", "marketing"]
Consent = tuple[bool | None, bool | None, bool | None]  # analytics, personalization, marketing; None: not stated

PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)
NOT_STATED: Final[Consent] = (None, None, None)
MAX_UNREAD: Final = 10  # names of one event

_MAX_NAME_CHARS: Final = 60
_MAX_DEPTH: Final = 4
_SEPARATORS: Final = re.compile(r"[\s_\-]+")


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Names without spaces, underscores and hyphens, in lower case. C0001 to C0005 are OneTrust's.
_CATEGORIES: Final[dict[Purpose, frozenset[str]]] = {
    "analytics": _names(
        "analytics analytical analyticsstorage analyticsprocessingallowed statistics statistic stats performance "
        "measurement c0002"
    ),
    "personalization": _names(
        "personalization personalisation personalizationstorage functional functionality preferences preference "
        "preferencesprocessingallowed c0003"
    ),
    "marketing": _names(
        "marketing marketingallowed advertising advertisement ads ad targeting targeted adstorage adsstorage "
        "aduserdata adpersonalization c0004"
    ),
}
_PURPOSE_OF: Final = {name: purpose for purpose, names in _CATEGORIES.items() for name in names}
# Categories and fields that say nothing about these purposes.
_NO_PURPOSE: Final = _names(
    "necessary essential essentials required strictlynecessary security securitystorage functionalitystorage c0001 "
    "c0005 datasharing saleofdata saleofdataallowed usestransienttoken provider resolutionstrategy method version "
    "source timestamp updatedat updatedon createdat date time id consentid tcstring gdprapplies region regions "
    "language waitforupdate urlpassthrough adsdataredaction"
)
_OBJECTION: Final = "globalprivacycontrol"  # true refuses: https://www.w3.org/TR/gpc/
_NESTED: Final = _names("categorypreferences categories preferences purposes consents consent choices settings")
_ALLOWED: Final = _names("allowedconsentids allowed granted accepted")
_DENIED: Final = _names("deniedconsentids denied rejected refused")
_YES: Final = _names("true yes y 1 on granted grant allow allowed accept accepted optin opted-in given")
_NO: Final = _names("false no n 0 off denied deny disallow disallowed reject rejected optout opted-out refused")


def read_consent(stated: Iterable[Any], categories: Mapping[str, Purpose]) -> tuple[Consent, list[str]]:
    """What the values state, and the names of what could not be read.

    `categories` gives a store's own category ids a purpose; they take precedence. Where two statements about one
    purpose disagree, the refusal counts.
    """
    found = _Found({_folded(name): purpose for name, purpose in categories.items()} if categories else {})
    for value in stated:
        if value is not None:
            found.read(value, "consent", 0)
    return found.consent, found.unread


class _Found:
    def __init__(self, categories: Mapping[str, Purpose]) -> None:
        self._categories = categories
        self._flags: dict[Purpose, bool] = {}
        self.unread: list[str] = []

    @property
    def consent(self) -> Consent:
        analytics, personalization, marketing = map(self._flags.get, PURPOSES)
        return analytics, personalization, marketing

    def read(self, value: Any, name: str, depth: int) -> None:
        if isinstance(value, Mapping) and depth < _MAX_DEPTH:
            for key, inner in value.items():
                self._read_field(str(key), inner, depth + 1)
            return
        flag = _flag(value)
        if flag is not None:
            for purpose in PURPOSES:  # one answer to everything
                self._state(purpose, flag)
        elif value not in (None, "", [], {}):
            self._skip(name)

    def _read_field(self, key: str, value: Any, depth: int) -> None:
        folded = _folded(key)
        purpose = self._categories.get(folded)
        if folded == _OBJECTION:
            if _flag(value):
                self._state("marketing", False)
        elif purpose is None and folded in _ALLOWED | _DENIED and not isinstance(value, bool):
            self._read_ids(value, folded in _ALLOWED)
        elif purpose is None and folded in _NESTED and isinstance(value, Mapping):
            self.read(value, key, depth)
        else:
            self._read_flag(key, purpose or _PURPOSE_OF.get(folded), value)

    def _read_flag(self, key: str, purpose: Purpose | None, value: Any) -> None:
        if value in (None, ""):
            return
        flag = _flag(value)
        if purpose is not None and flag is not None:
            self._state(purpose, flag)
        elif purpose is not None or _folded(key) not in _NO_PURPOSE:
            self._skip(key)

    def _read_ids(self, ids: Any, is_allowed: bool) -> None:
        """A list of ids, or an object whose values are such lists, or whose keys are the ids."""
        if isinstance(ids, Mapping):
            for key, value in ids.items():
                if isinstance(value, (list, Mapping)):
                    self._read_ids(value, is_allowed)
                elif _flag(value) is not False:
                    self._read_ids([key], is_allowed)
            return
        for each in ids if isinstance(ids, list) else [ids]:
            purpose = self._categories.get(_folded(str(each))) or _PURPOSE_OF.get(_folded(str(each)))
            if purpose is not None:
                self._state(purpose, is_allowed)
            elif _folded(str(each)) not in _NO_PURPOSE | {"", "none"}:
                self._skip(str(each))

    def _state(self, purpose: Purpose, flag: bool) -> None:
        self._flags[purpose] = self._flags.get(purpose, True) and flag

    def _skip(self, name: str) -> None:
        if len(self.unread) < MAX_UNREAD:
            self.unread.append(f"consent: {name[:_MAX_NAME_CHARS]}")


def _flag(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return bool(value) if value in (0, 1) else None
    text = value.strip().casefold() if isinstance(value, str) else None
    return True if text in _YES else False if text in _NO else None


def _folded(name: str) -> str:
    return _SEPARATORS.sub("", name.strip().casefold())
