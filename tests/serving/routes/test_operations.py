from pathlib import Path

import httpx

from serving.app import create_app
from serving.http.schemas.operations import BundleAnswer, HealthAnswer, ReadyAnswer
from tests.serving.conftest import shop_settings
from tests.serving.running import running
from tests.serving.shop import publish_shop


def test_the_bundle_says_how_good_it_is_and_what_columns_mean(api: httpx.Client) -> None:
    answer = BundleAnswer.model_validate_json(api.get("/v1/bundle").content)
    assert answer.families["recommend"].metrics == {"recall": 0.5, "undefined": None}
    assert answer.families["recommend"].baseline_metrics == {"recall": 0.25}
    assert answer.families["churn"].columns["churn_risk"].startswith("Probability")
    assert answer.tables["customers"].rows == 40
    assert answer.tables["items"].columns["price"] == "double"


def test_health_and_readiness(api: httpx.Client) -> None:
    HealthAnswer.model_validate_json(api.get("/health").content)
    assert ReadyAnswer.model_validate_json(api.get("/ready").content).is_current


def test_readiness_tells_of_a_refused_bundle(tmp_path: Path) -> None:
    settings, _ = shop_settings(tmp_path)
    publish_shop(settings, "v1")
    app = create_app(settings)
    with running(settings, app) as url:
        publish_shop(settings, "v2", wrong_replay=True)
        app.state.service.bundles.refresh()
        answer = httpx.get(f"{url}/ready", verify=False).json()
    assert (answer["status"], answer["bundle_version"], answer["is_current"]) == ("ready", "v1", False)
    assert "rollback" in answer["detail"]
