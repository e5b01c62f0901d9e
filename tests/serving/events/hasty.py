"""The service with a planted fault: it confirms events before they are stored. The kill test must notice."""

import asyncio
import time
from collections.abc import Sequence

from fastapi import FastAPI

from contracts.logs.events import LogRecord
from serving import app
from serving.events.group_commit import EventWriter


class HastyWriter(EventWriter):
    """Answers at once and writes a little later."""

    async def append(self, records: Sequence[LogRecord]) -> list[bool]:
        self._later = asyncio.create_task(self._write(records))
        return [True] * len(records)

    async def _write(self, records: Sequence[LogRecord]) -> None:
        await asyncio.to_thread(time.sleep, 0.3)
        await super().append(records)


def from_environment() -> FastAPI:
    """What uvicorn calls."""
    app.EventWriter = HastyWriter  # type: ignore[misc]
    return app.from_environment()
