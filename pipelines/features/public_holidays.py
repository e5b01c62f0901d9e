"""Public holidays of the store's country: a covariate of its demand that is known for every day to come."""

import re
from typing import Final

import holidays
import numpy as np
from holidays.registry import COUNTRIES

HOLIDAY: Final = "holiday"


def country_code(stated: str) -> str | None:
    """The code of ISO 3166 of a country that a sender wrote as a code or an English name; None where it is none known.

    The known ones are those whose holidays the library has.
    """
    return _CODES.get(_letters(stated))


def public_holidays(country: str, first: np.datetime64, days: int) -> np.ndarray:
    """1 for each of `days` from `first` on that is a national holiday, else 0, (days,) float32. Regional ones are not.

    `country` is a code that `country_code` gave.
    """
    dates = first.astype("datetime64[D]") + np.arange(days)
    years = range(int(str(dates[0])[:4]), int(str(dates[-1])[:4]) + 1)
    found = np.array(sorted(holidays.country_holidays(country, years=years)), dtype="datetime64[D]")
    return np.isin(dates, found).astype(np.float32)


def _letters(text: str) -> str:
    return re.sub(r"[^a-z]", "", text.casefold())


_CODES: Final = {
    _letters(name): codes[1] for module, codes in COUNTRIES.items() for name in (module, *codes) if len(codes) > 1
}
