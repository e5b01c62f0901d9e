"""The parts of a running service, and how a request finds them."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from fastapi import Request

from contracts.events.rules import EventRules
from contracts.settings import Settings
from serving.answers.catalogue_updates import CatalogueUpdates
from serving.answers.served_bundle import ServedBundle
from serving.bundle_watcher import BundleWatcher
from serving.events.group_commit import EventWriter
from serving.events.log_follower import LogFollower
from serving.events.rate_limit import RateLimit
from serving.http.problems import Problem, unavailable
from serving.http.telemetry import Telemetry
from serving.privacy.command import PrivacyCommand
from serving.privacy.hidden import HiddenCustomers
from serving.security.api_keys import KeyRing
from serving.state.protocol import SessionStore

PARALLEL_LISTS: Final = 2


@dataclass(frozen=True)
class Service:
    """The parts that handlers use."""

    settings: Settings
    keys: KeyRing
    bundles: BundleWatcher
    writer: EventWriter
    telemetry: Telemetry
    sessions: SessionStore
    log_follower: LogFollower
    catalogue_updates: CatalogueUpdates
    rules: EventRules
    rate_limit: RateLimit
    hidden: HiddenCustomers
    privacy_command: PrivacyCommand
    # Sorting a million rows keeps a core busy for a moment.
    list_semaphore: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PARALLEL_LISTS))

    def bundle(self) -> ServedBundle:
        """The bundle for one request, which reads it once; raises Problem 503 if there is none."""
        served = self.bundles.served
        if served is None:
            raise unavailable("no-bundle", self.bundles.status().detail)
        return served


def service_of(request: Request) -> Service:
    """The service that this request was sent to."""
    return request.app.state.service


def unknown_id(kind: str, name: str, version: str) -> Problem:
    """404 for an id that is not in the bundle."""
    detail = (
        f"Bundle {version} knows no {kind} with this id. Ids are those of your events; one that was first seen after "
        f"the bundle was made appears with the next one. GET /v1/{name} lists all that are known."
    )
    return Problem(404, f"unknown-{kind}", detail)
