"""Settings: one declaration each, unknown names refused, files and environment in their order."""

from pathlib import Path

import pytest

from contracts.errors import SettingsError
from contracts.settings import CONFIG_VARIABLE, Settings, load_settings, url_path


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SHOPKEEPER_{name.upper()}", raising=False)
    monkeypatch.delenv(CONFIG_VARIABLE, raising=False)


def test_everything_lies_under_home(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    places = (settings.warehouse_url, settings.events_url, settings.bundles_url, settings.mlflow_url)
    assert all(str(tmp_path) in str(place) for place in (*places, settings.keys_path, settings.candidates_path))


def test_a_file_states_differences_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "shop.toml"
    file.write_text("seed = 11\nthreads = 4\n[families.churn]\nhorizon_days = 60\n")
    monkeypatch.setenv(CONFIG_VARIABLE, str(file))
    monkeypatch.setenv("SHOPKEEPER_THREADS", "3")
    settings = load_settings()
    assert (settings.seed, settings.threads) == (11, 3)
    assert settings.families == {"churn": {"horizon_days": 60}}


@pytest.mark.parametrize(
    "line", ["sed = 11", "threads = 0", 'threads = "many"', "seed = [", f"seed = {'[' * 5000}{']' * 5000}"]
)
def test_an_invalid_file_is_refused_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    file = tmp_path / "shop.toml"
    file.write_text(line)
    monkeypatch.setenv(CONFIG_VARIABLE, str(file))
    with pytest.raises(SettingsError, match=r"settings|TOML"):
        load_settings()


def test_an_unknown_variable_is_refused_with_those_that_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOPKEEPER_ADMIN", "x")
    with pytest.raises(SettingsError, match=r"SHOPKEEPER_ADMIN is no setting; allowed are .*SHOPKEEPER_THREADS"):
        load_settings()


def test_what_kubernetes_sets_for_a_service_of_this_name_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_8000_TCP_ADDR"):
        monkeypatch.setenv(f"SHOPKEEPER_{name}", "10.0.0.1")
    assert load_settings().threads


def test_a_missing_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONFIG_VARIABLE, "/nowhere.toml")
    with pytest.raises(SettingsError, match=r"nowhere\.toml"):
        load_settings()


def test_the_shipped_files_load(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {file for file in (Path(__file__).parents[2] / "config").glob("*.toml") if file.name != "policy.toml"}
    for file in files:
        monkeypatch.setenv(CONFIG_VARIABLE, str(file))
        assert load_settings()


def test_every_setting_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
    missing = [name for name in Settings.model_fields if f"`{name}`" not in text]
    assert not missing


def test_a_url_without_a_path_is_refused() -> None:
    with pytest.raises(SettingsError, match="not a URL"):
        url_path("events.sqlite")
