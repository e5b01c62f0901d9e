"""Settings, read once: defaults, then a TOML file, then the environment.

`SHOPKEEPER_HOME` is the folder of all of Shopkeeper's files; `SHOPKEEPER_CONFIG` names a TOML file with the settings
that differ from the defaults. Every setting can also be given as `SHOPKEEPER_<NAME>`. Unknown names are refused.
"""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from contracts.errors import SettingsError
from contracts.events.consent import Purpose
from contracts.events.rules import EventRules

PREFIX = "SHOPKEEPER_"
CONFIG_VARIABLE = f"{PREFIX}CONFIG"
# What Kubernetes sets in every container beside a service that is called shopkeeper; it is no setting.
_OF_KUBERNETES = re.compile(f"{PREFIX}(SERVICE_HOST|SERVICE_PORT.*|PORT|PORT_[0-9].*)")


# A code of ISO 4217, converted to upper case.
PageOrders = Literal["auto", "accepted", "confirmed"]
CurrencyCode = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z]{3}$", to_upper=True)]


class Settings(BaseSettings):
    """The locations of files and services, and the resources that may be used."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    home: Path = Field(Path("var"), description="Folder of all of Shopkeeper's files.")
    warehouse: str = Field("", description="URL of the warehouse; default duckdb:// over Parquet under home.")
    events: str = Field("", description="URL of the live event log; default sqlite:// under home.")
    bundles: str = Field("", description="URL of the bundle store; default a folder under home.")
    mlflow: str = Field("", description="MLflow tracking URI; default a SQLite file under home.")
    policy: Path | None = Field(None, description="The merchant's policy file; default none: the ranker's order.")
    currency: CurrencyCode | None = Field(
        None, description="The store's currency, such as EUR; default the first one that an event states."
    )
    exchange_rates: Path | None = Field(
        None, description="CSV file with rates into the store's currency; default none: other currencies are refused."
    )
    threads: int = Field(2, ge=1, le=256, description="Numerical threads that training may use.")
    memory_mib: int = Field(3072, ge=256, description="Memory that the warehouse engine may use before it spills.")
    seed: int = Field(7, ge=0, description="Seed of everything random.")
    cors_origins: list[str] = Field(
        default_factory=list, description="Web origins whose pages may call the service, such as https://shop.example."
    )
    events_per_second: int = Field(
        5000, ge=1, le=1_000_000, description="Events that one API key may send in a second, to each worker."
    )
    event_log_days: int = Field(
        7, ge=1, le=3650, description="Days that the live event log keeps what ingest has stored already."
    )
    retention_days: int = Field(
        1096, ge=30, le=36_500, description="Days that `privacy retain` keeps events and campaigns, by their time."
    )
    quarantine_days: int = Field(
        90, ge=1, le=36_500, description="Days that `privacy retain` keeps refused records after their receipt."
    )
    bundle_days: int = Field(
        180, ge=1, le=36_500, description="Days that `privacy retain` keeps versions before the current one."
    )
    page_orders: PageOrders = Field(
        "auto",
        description="Whether orders that only a page key has told count: accepted, confirmed (only those that a "
        "trusted source tells, too), or auto: confirmed where trusted sources tell orders.",
    )
    placeholder_ids: list[str] = Field(
        default_factory=list,
        description="User ids that stand for nobody, besides those such as 'undefined', '0' and 'guest'.",
    )
    consent_categories: dict[str, Purpose] = Field(
        default_factory=dict,
        description="Per category id of the consent tool: analytics, personalization or marketing.",
    )
    shopify_webhook_secret: SecretStr | None = Field(
        None, description="The secret of your Shopify app, by which its privacy webhooks are verified; default none."
    )
    families: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Per family, the parameters that differ from its defaults."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        path = os.environ.get(CONFIG_VARIABLE)
        if not path:
            return init_settings, env_settings
        if not Path(path).is_file():
            raise SettingsError(f"{CONFIG_VARIABLE} names {path!r}, which is not a file. Give the path of a TOML file.")
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, path)

    @property
    def warehouse_url(self) -> str:
        return self.warehouse or f"duckdb://{self.home.resolve() / 'warehouse'}"

    @property
    def events_url(self) -> str:
        return self.events or f"sqlite://{self.home.resolve() / 'events.sqlite'}"

    @property
    def bundles_url(self) -> str:
        return self.bundles or f"file://{self.home.resolve() / 'bundles'}"

    @property
    def mlflow_url(self) -> str:
        return self.mlflow or f"sqlite:///{self.home.resolve() / 'mlflow.db'}"

    @property
    def candidates_path(self) -> Path:
        """The folder of the challengers: trained families that are not published yet."""
        return self.home.resolve() / "candidates"

    @property
    def items_path(self) -> Path:
        """The catalogue log of the running service."""
        return self.home.resolve() / "items.sqlite"

    @property
    def event_rules(self) -> EventRules:
        """What these settings add to the rules of events."""
        return EventRules(
            frozenset(each.strip().casefold() for each in self.placeholder_ids), dict(self.consent_categories)
        )

    @property
    def keys_path(self) -> Path:
        return self.home.resolve() / "keys.json"


def load_settings(**overrides: Any) -> Settings:
    """The settings; `overrides` take precedence over environment and file. Raises SettingsError."""
    _refuse_unknown_variables()
    try:
        return Settings(**overrides)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise SettingsError(f"settings: {problems}. Allowed are {', '.join(Settings.model_fields)}.") from None
    except (ValueError, TypeError, RecursionError) as error:
        raise SettingsError(f"settings: {error}") from None


def _refuse_unknown_variables() -> None:
    known = {CONFIG_VARIABLE, *(f"{PREFIX}{name.upper()}" for name in Settings.model_fields)}
    given = [name for name in os.environ if name.upper().startswith(PREFIX) and not _OF_KUBERNETES.fullmatch(name)]
    if unknown := sorted(name for name in given if name.upper() not in known):
        raise SettingsError(f"environment: {', '.join(unknown)} is no setting; allowed are {', '.join(sorted(known))}.")


def url_path(url: str) -> Path:
    """The path that a URL such as sqlite:///srv/shop/events.sqlite names."""
    _, separator, rest = url.partition("://")
    if not separator or not rest:
        raise SettingsError(f"{url!r} is not a URL with a path; for example sqlite:///srv/shop/events.sqlite.")
    return Path(rest)


def url_scheme(url: str) -> str:
    """The scheme of a URL, which selects the implementation."""
    return url.partition("://")[0]
