"""A proxy that loses the first answer to each key: the service has stored the events, and the client must repeat."""

from collections import defaultdict

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class ForgetfulProxy:
    """ASGI middleware; `statuses` has what each sender was answered, by its Authorization header."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.statuses: defaultdict[str, list[int]] = defaultdict(list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        answered = self.statuses[Headers(scope=scope).get("authorization", "")]
        is_lost = not answered
        if is_lost:
            answered.append(502)

        async def note(message: Message) -> None:
            if is_lost:
                return
            if message["type"] == "http.response.start":
                answered.append(message["status"])
            await send(message)

        await self._app(scope, receive, note)
        if is_lost:
            await send({"type": "http.response.start", "status": 502, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
