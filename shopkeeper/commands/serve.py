"""`shopkeeper serve`: answer over HTTP."""

from typing import Annotated, Any, Final

import typer

from contracts.settings import load_settings
from shopkeeper.display.console import console
from shopkeeper.ports import require_free

SHUTDOWN_SECONDS: Final = 10
LOG_CONFIG: Final[dict[str, Any]] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"serving": {"level": "INFO"}, "uvicorn.error": {"level": "INFO"}},
}


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes; they share the bundle's memory.")] = 1,
) -> None:
    """Answer over HTTP until stopped. Needs at least one API key.

    Example: shopkeeper keys create --name storefront --scope recommendations:read && shopkeeper serve --port 8080
    """
    import uvicorn

    from serving.answers.policy_watcher import PolicyWatcher
    from serving.security.api_keys import KeyRing

    # Here as well as in the workers: a message, not a traceback per process.
    settings = load_settings()
    KeyRing(settings.keys_path).require_safe()
    PolicyWatcher(settings.policy)
    require_free(host, port)
    console.print(f"Shopkeeper at http://{host}:{port}  (stop with Ctrl-C)", highlight=False)
    uvicorn.run(
        "serving.app:from_environment",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        ws="none",
        access_log=False,
        server_header=False,
        log_config=LOG_CONFIG,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
