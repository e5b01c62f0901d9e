from pathlib import Path
from typing import Any, cast

import pytest

from contracts.bundle_store import open_bundle_store
from contracts.settings import Settings
from serving.bundle_watcher import BundleWatcher
from serving.http.problems import Problem
from serving.service import Service, unknown_id


def test_a_request_without_a_bundle_is_503_with_what_to_do(tmp_path: Path) -> None:
    settings, unused = Settings(home=tmp_path), cast(Any, None)
    bundles = BundleWatcher(open_bundle_store(settings.bundles_url))
    service = Service(settings, unused, bundles, *[unused] * 9)
    with pytest.raises(Problem) as raised:
        service.bundle()
    assert (raised.value.status, raised.value.code) == (503, "no-bundle")
    assert "shopkeeper retrain" in raised.value.detail
    assert "Retry-After" in raised.value.headers


def test_an_unknown_id_is_404_and_not_repeated() -> None:
    problem = unknown_id("item", "items", "v3")
    assert (problem.status, problem.code) == (404, "unknown-item")
    assert "v3" in problem.detail
    assert "GET /v1/items" in problem.detail
