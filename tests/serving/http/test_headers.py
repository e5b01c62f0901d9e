import httpx
import pytest


@pytest.mark.parametrize("path", ["/", "/health", "/v1/customers", "/static/app.js", "/nowhere"])
def test_security_headers_are_on_every_answer(api: httpx.Client, path: str) -> None:
    headers = api.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    if not path.startswith("/static"):
        assert headers["cache-control"] == "no-store"
