"""Operations: the served bundle, health, readiness, metrics, and the welcome page."""

from pathlib import Path
from typing import Final

import orjson
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse

from contracts.bundle import FamilyEntry
from serving.http.problems import unavailable
from serving.http.schemas.operations import BundleAnswer, FamilyAnswer, HealthAnswer, ReadyAnswer, TableAnswer
from serving.http.telemetry import METRICS_MEDIA_TYPE
from serving.security.access import Access
from serving.security.api_keys import ADMIN, CUSTOMERS_READ
from serving.service import service_of

STATIC: Final = Path(__file__).parent.parent / "static"

router = APIRouter(tags=["operations"])


@router.get(
    "/v1/bundle", response_model=BundleAnswer, summary="What is served", dependencies=[Depends(Access(CUSTOMERS_READ))]
)
async def get_bundle(request: Request) -> Response:
    """The bundle's families, their metrics against their baselines, their gates, and what every column means."""
    bundles = service_of(request).bundles
    served = service_of(request).bundle()
    manifest = served.manifest
    answer = BundleAnswer(
        bundle_version=served.version,
        as_of=served.as_of(),
        created_at=manifest.created_at,
        loaded_at=served.loaded_at,
        window_start=manifest.window_start,
        window_end=manifest.window_end,
        consent_cut=manifest.consent_cut,
        status=bundles.status().detail,
        families={name: _family(entry) for name, entry in manifest.families.items()},
        tables={
            name: TableAnswer(
                rows=len(table),
                columns={field.name: str(field.type) for field in table.schema},
                words=manifest.columns if name == "customers" else {},
            )
            for name, table in served.tables.items()
        },
    )
    return Response(answer.model_dump_json(), media_type="application/json")


@router.get("/health", response_model=HealthAnswer, summary="Does the process run?")
async def health() -> Response:
    """Always 200 while the process runs; says nothing about bundles."""
    return Response(orjson.dumps({"status": "alive"}), media_type="application/json")


@router.get("/ready", response_model=ReadyAnswer, summary="Can it answer?")
async def ready(request: Request) -> Response:
    """200 with the bundle's version, or 503 with what to do. If a newer bundle was refused, `is_current` is false."""
    service = service_of(request)
    status = service.bundles.status()
    if status.served_version is None:
        raise unavailable("not-ready", status.detail)
    answer = ReadyAnswer(
        status="ready",
        bundle_version=status.served_version,
        is_current=not status.refused,
        is_policy_current=not status.policy_refused,
        detail=status.detail,
    )
    return Response(answer.model_dump_json(), media_type="application/json")


@router.get("/metrics", response_class=Response, summary="Prometheus metrics", dependencies=[Depends(Access(ADMIN))])
async def metrics(request: Request) -> Response:
    """Latencies by route, the bundle's age, events by outcome. No ids."""
    return Response(service_of(request).telemetry.exposition(), media_type=METRICS_MEDIA_TYPE)


@router.get("/", include_in_schema=False)
async def welcome() -> Response:
    """The welcome page."""
    return FileResponse(STATIC / "index.html", media_type="text/html; charset=utf-8")


def _family(entry: FamilyEntry) -> FamilyAnswer:
    return FamilyAnswer(
        kind=entry.kind,
        as_of=entry.as_of,
        made_in=entry.bundle_version,
        model_version=entry.model_version,
        baseline=entry.baseline,
        gate=entry.verdict.reason,
        verdict=entry.verdict.finding,
        answered_by=entry.verdict.answers,
        metrics=entry.metrics,
        baseline_metrics=entry.baseline_metrics,
        parameters=entry.parameters,
        columns=entry.columns,
    )
