"""Metrics, and one log line per request, without ids, keys or personal data."""

import logging
import time
from collections.abc import Iterable, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.bundle_watcher import BundleWatcher
from serving.http.problems import unexpected
from serving.state.protocol import SessionStore

METRICS_MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_RECOMMEND_SECONDS: Final = (0.00025, 0.0005, 0.001, 0.0015, 0.0025, 0.005, 0.01, 0.025, 0.1)
_METHODS: Final = frozenset({"GET", "POST", "HEAD", "OPTIONS"})

_log: Final = logging.getLogger("serving.requests")


class Telemetry:
    """The metrics of this process. Each worker has its own, and a scrape reaches one of them."""

    def __init__(self, bundles: BundleWatcher, sessions: SessionStore | None = None) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_BundleCollector(bundles))
        self.requests = Histogram(
            "shopkeeper_request_seconds",
            "How long requests took, by route template.",
            ["method", "route", "status"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.events = Counter(
            "shopkeeper_events", "Events received, by what became of them.", ["outcome"], registry=self._registry
        )
        self.event_log_failures = Counter(
            "shopkeeper_event_log_failures", "Requests whose events could not be stored.", registry=self._registry
        )
        self._fallbacks = Counter(
            "shopkeeper_recommendation_fallbacks",
            "Answers that used a fallback.",
            ["placement", "kind"],
            registry=self._registry,
        )
        self._recommending = Histogram(
            "shopkeeper_recommend_seconds",
            "How long the recommender itself took, by placement; its count is that of the answers.",
            ["placement"],
            buckets=_RECOMMEND_SECONDS,
            registry=self._registry,
        )
        live = Gauge("shopkeeper_live_visits", "Customer ids with a session under way.", registry=self._registry)
        live.set_function(lambda: float(len(sessions or ())))
        Gauge(
            "shopkeeper_started_timestamp_seconds", "When this process started.", registry=self._registry
        ).set_to_current_time()

    def answered(self, placement: str, fallbacks: Sequence[str], seconds: float) -> None:
        """Count one answer of the recommender; of a fallback only the kind, not the ids in it."""
        self._recommending.labels(placement).observe(seconds)
        for kind in {fallback.partition(":")[0] for fallback in fallbacks}:
            self._fallbacks.labels(placement, kind).inc()

    def exposition(self) -> bytes:
        """Every metric in Prometheus' text format."""
        return generate_latest(self._registry)


class RequestTelemetry:
    """Middleware: measures and logs requests by route template, and answers unexpected errors with 500."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:
            problem = unexpected(error, route_template(scope))
            if status:
                raise ConnectionError("the answer broke off; see the log before this line") from None
            await problem.response()(scope, receive, watch)
        finally:
            self._record(scope, status or 500, time.perf_counter() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = route_template(scope)
        self._telemetry.requests.labels(method, route, str(status)).observe(seconds)
        _log.info("%s %s %d %.1f ms", method, route, status, seconds * 1000)


def route_template(scope: Scope) -> str:
    """`/v1/customers/{customer_id}`: never the path itself, which holds ids."""
    path = getattr(scope.get("route"), "path", None)
    return str(path).replace(":path}", "}") if path else "unmatched"


class _BundleCollector(Collector):
    """The state of the served bundle, read at each scrape."""

    def __init__(self, bundles: BundleWatcher) -> None:
        self._bundles = bundles

    def collect(self) -> Iterable[Metric]:
        served, status = self._bundles.served, self._bundles.status()
        yield GaugeMetricFamily(
            "shopkeeper_bundle_refused", "1 where the published bundle was refused.", value=float(status.refused)
        )
        yield GaugeMetricFamily(
            "shopkeeper_policy_refused",
            "1 where the policy file cannot be used and the policy before it still counts.",
            value=float(status.policy_refused),
        )
        info = GaugeMetricFamily("shopkeeper_bundle_info", "1 for the bundle that is served.", labels=["version"])
        if served is not None:
            info.add_metric([served.version], 1.0)
            yield GaugeMetricFamily(
                "shopkeeper_bundle_as_of_timestamp_seconds",
                "Up to when events were seen.",
                value=served.as_of().timestamp(),
            )
            yield GaugeMetricFamily(
                "shopkeeper_bundle_loaded_timestamp_seconds",
                "When the bundle was swapped in.",
                value=served.loaded_at.timestamp(),
            )
        yield info
