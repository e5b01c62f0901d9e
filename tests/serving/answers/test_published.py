from datetime import timedelta
from pathlib import Path

import pytest

from contracts.errors import NoBundle
from contracts.settings import Settings
from serving.answers.published import NotInBundle, open_published
from tests.serving.shop import AS_OF, TEA, publish_shop


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def test_the_parts_of_the_current_bundle_are_read(settings: Settings) -> None:
    publish_shop(settings, "v1")
    published = open_published(settings.bundles_url)
    assert published.version == "v1"
    assert published.as_of("demand") == AS_OF
    assert published.table("customers").row("customer-01") is not None
    assert published.item_forecasts().days(TEA[0])
    assert published.hierarchy_forecasts().levels == ["total", "category"]
    assert published.store_kpis().as_of == AS_OF


def test_a_missing_part_has_a_code_and_says_what_to_do(settings: Settings) -> None:
    publish_shop(settings, "v1", with_families=False)
    published = open_published(settings.bundles_url)
    parts = {
        "no-table": lambda: published.table("items"),
        "no-forecasts": published.hierarchy_forecasts,
        "no-kpis": published.store_kpis,
    }
    for code, read in parts.items():
        with pytest.raises(NotInBundle, match="`shopkeeper ") as raised:
            read()
        assert raised.value.code == code
    assert published.as_of("demand") == published.manifest.window_end < AS_OF + timedelta(days=1)


def test_a_bundle_of_an_older_version_forecasts_items_only(settings: Settings) -> None:
    publish_shop(settings, "v1", with_levels=False)
    published = open_published(settings.bundles_url)
    with pytest.raises(NotInBundle, match="forecasts items only") as raised:
        published.hierarchy_forecasts()
    assert raised.value.code == "no-levels"


def test_nothing_published_is_an_error(settings: Settings) -> None:
    with pytest.raises(NoBundle):
        open_published(settings.bundles_url)
