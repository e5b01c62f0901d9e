import pytest

from contracts.errors import SettingsError
from contracts.logs.events import open_event_log


def test_an_unknown_scheme_is_refused_with_those_that_exist() -> None:
    with pytest.raises(SettingsError, match="sqlite"):
        open_event_log("carrier-pigeon://roof")
