"""The traits that are stored: all but those whose name says that they are personal and that nobody needs."""

from typing import Any

import orjson

from pipelines.ingest.readers.tables.personal import is_personal


def kept_traits(text: str) -> str:
    """The traits, as JSON text, without passwords, phone numbers, birth dates, postal addresses and their like."""
    try:
        told = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    kept = _kept(told)
    return text if kept == told else orjson.dumps(kept).decode()


def _kept(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _kept(each) for name, each in value.items() if not is_personal(name)}
    return [_kept(each) for each in value] if isinstance(value, list) else value
