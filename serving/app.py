"""The service: its routes, its middleware, and what starts and stops with it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from contracts.bundle_store import open_bundle_store
from contracts.errors import SettingsError
from contracts.logs.catalogue import CatalogueLog
from contracts.logs.events import open_event_log
from contracts.privacy.tombstones import TombstoneFile
from contracts.settings import Settings, load_settings
from serving.answers.catalogue_updates import CatalogueUpdates
from serving.answers.policy_watcher import PolicyWatcher
from serving.bundle_watcher import BundleWatcher
from serving.events.group_commit import EventWriter
from serving.events.log_follower import LogFollower
from serving.events.rate_limit import RateLimit
from serving.http.headers import SecurityHeaders
from serving.http.openapi import install_openapi
from serving.http.problems import install_handlers
from serving.http.telemetry import RequestTelemetry, Telemetry
from serving.privacy.command import PrivacyCommand
from serving.privacy.hidden import HiddenCustomers
from serving.routes import customers, events, forecasts, items, kpis, operations, privacy, recommendations
from serving.routes.listing import WITHOUT_ADDRESS_HEADER, WITHOUT_CONSENT_HEADER
from serving.security.api_keys import KeyRing
from serving.service import Service
from serving.state.sessions import MemorySessionStore

# Recommendations before items: they have /v1/items/{id}/similar, and an item's id may contain slashes.
ROUTERS: Final = (
    recommendations.router,
    customers.router,
    kpis.router,
    items.router,
    forecasts.router,
    events.router,
    privacy.router,
    operations.router,
)
BUNDLE_CHECK_SECONDS: Final = 2.0  # also of the policy file and of other workers' catalogue updates
LOG_CHECK_SECONDS: Final = 1.0
_DESCRIPTION: Final = "Recommendations, churn risk and demand forecasts from your store's events."

_log: Final = logging.getLogger("serving")


def create_app(settings: Settings) -> FastAPI:
    """The service for these settings.

    Raises SettingsError if it would be unsafe, for example without API keys, or if the policy file is not valid.
    """
    keys = KeyRing(settings.keys_path)
    keys.require_safe()
    policy = PolicyWatcher(settings.policy)
    updates = CatalogueUpdates(CatalogueLog(settings.items_path))
    bundles = BundleWatcher(open_bundle_store(settings.bundles_url), policy, updates)
    sessions = MemorySessionStore()
    telemetry = Telemetry(bundles, sessions)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # Uvicorn's access log would hold paths, and with them ids.
        logging.getLogger("uvicorn.access").disabled = True
        writer = EventWriter(open_event_log(settings.events_url))
        log_follower = LogFollower(open_event_log(settings.events_url), sessions, settings.event_rules)
        app.state.service = Service(
            settings,
            keys,
            bundles,
            writer,
            telemetry,
            sessions,
            log_follower,
            updates,
            settings.event_rules,
            RateLimit(settings.events_per_second),
            HiddenCustomers(TombstoneFile(settings.home), sessions),
            PrivacyCommand(settings),
        )
        await asyncio.to_thread(_load_first, bundles)
        following = [
            asyncio.create_task(_every(BUNDLE_CHECK_SECONDS, bundles.refresh)),
            asyncio.create_task(_every(LOG_CHECK_SECONDS, log_follower.catch_up)),
        ]
        try:
            yield
        finally:
            await _stop(following)
            await app.state.service.privacy_command.close()
            await asyncio.to_thread(writer.close)
            await asyncio.to_thread(log_follower.close)
            updates.close()

    app = FastAPI(
        title="Shopkeeper",
        version=version("shopkeeper"),
        description=_DESCRIPTION,
        lifespan=lifespan,
        middleware=_middleware(settings, telemetry),
        docs_url=None,  # FastAPI's page loads scripts from another host
        redoc_url=None,
        redirect_slashes=False,
    )
    install_handlers(app)
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=operations.STATIC), name="static")
    install_openapi(app, ROUTERS)
    return app


def from_environment() -> FastAPI:
    """The factory that each worker process calls."""
    return create_app(load_settings())


def _middleware(settings: Settings, telemetry: Telemetry) -> list[Middleware]:
    """Outermost first."""
    layers = [Middleware(SecurityHeaders)]
    if settings.cors_origins:
        layers.append(
            Middleware(
                CORSMiddleware,
                allow_origins=_checked_origins(settings.cors_origins),
                allow_methods=["GET", "POST"],
                allow_headers=[
                    "*"
                ],  # SDKs add their own, such as X-Retry-Count; no header but the key's opens anything
                expose_headers=["X-Bundle-Version", "Retry-After", WITHOUT_CONSENT_HEADER, WITHOUT_ADDRESS_HEADER],
                max_age=600,
            )
        )
    return [*layers, Middleware(RequestTelemetry, telemetry=telemetry)]


def _checked_origins(origins: list[str]) -> list[str]:
    for origin in origins:
        scheme, separator, host = origin.partition("://")
        if scheme not in {"http", "https"} or not separator or not host or set(host) & set("*/ "):
            raise SettingsError(
                f"cors_origins has {origin!r}; name each origin in full, such as https://shop.example, "
                "without a path and without '*'."
            )
    return origins


def _load_first(bundles: BundleWatcher) -> None:
    bundles.refresh()
    if bundles.served is None:
        _log.warning("%s", bundles.status().detail)


async def _stop(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _every(seconds: float, follow: Callable[[], object]) -> None:
    """Call `follow` again and again in a thread, so that requests go on."""
    while True:
        await asyncio.to_thread(follow)
        await asyncio.sleep(seconds)
