"""Events that cannot be stored are refused; that confirmed ones survive a kill is in `benchmarks.reliability`."""

from pathlib import Path

import apsw
import httpx
import pytest

from tests.serving.conftest import shop_settings
from tests.serving.running import running


@pytest.mark.parametrize("statement", ["DROP TABLE records", "DROP TABLE counts"])
def test_events_that_cannot_be_stored_are_503_and_never_200(tmp_path: Path, statement: str) -> None:
    settings, keys = shop_settings(tmp_path)
    with (
        running(settings) as url,
        httpx.Client(base_url=url, headers={"X-API-Key": keys["events"]}, verify=False) as client,
    ):
        assert client.post("/v1/page", json={"anonymousId": "a"}).status_code == 200
        connection = apsw.Connection(str(tmp_path / "events.sqlite"))
        connection.execute(statement)
        connection.close()
        answer = client.post("/v1/page", json={"anonymousId": "a"})
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert str(tmp_path) not in answer.text
        assert client.get("/health").status_code == 200
