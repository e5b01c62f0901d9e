"""Runs `shopkeeper privacy` beside the service, which itself knows neither the warehouse nor training."""

import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from typing import Final

from contracts.settings import PREFIX, Settings

TIMEOUT_SECONDS: Final = 600.0

_log: Final = logging.getLogger("serving.privacy")


class PrivacyCommand:
    """One call at a time. Ids are handed over by standard input: whoever lists processes sees none."""

    def __init__(self, settings: Settings) -> None:
        self._home = settings.home.resolve()
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def start_erasing(self) -> None:
        """Work off the waiting erasures, without waiting for the end; what fails is worked off by the next call."""
        task = asyncio.get_running_loop().create_task(self._erase())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def export(self, ids: Sequence[str]) -> bytes | None:
        """The JSON document of a person, None where the command failed."""
        return await self._run(["export", "-"], "\n".join(ids).encode())

    async def close(self) -> None:
        """Stop what is under way; the requests wait on disk."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _erase(self) -> None:
        await self._run(["erase", "--json"], b"")

    async def _run(self, arguments: Sequence[str], given: bytes) -> bytes | None:
        async with self._turn:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "shopkeeper", "privacy", *arguments),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,  # its messages may name ids
                env={**os.environ, f"{PREFIX}HOME": str(self._home)},
            )
            try:
                out, _ = await asyncio.wait_for(process.communicate(given), TIMEOUT_SECONDS)
            except (TimeoutError, asyncio.CancelledError) as error:
                process.kill()
                await process.wait()
                if isinstance(error, asyncio.CancelledError):
                    raise
                _log.error("`shopkeeper privacy %s` took longer than %d s", arguments[0], TIMEOUT_SECONDS)
                return None
            if process.returncode:
                _log.error("`shopkeeper privacy %s` failed; run it by hand to see why", arguments[0])
                return None
            return out
