"""Where events come from, and whom to believe if two differ under one message id.

A file is given by the operator, a server key is held by the shop's own server. A page key is public: anybody can read
it in the page, and send events under the message id of another. So it never decides what a trusted source has sent.
"""

from typing import Final

PAGE: Final = "api:"  # how the source of an event begins that came with a page key
SERVER: Final = "server:"  # the same of a server key; a file's source is the name of its mapping
JSON_FILE: Final = "file"  # the source of a file of JSON lines
RESERVED: Final = (PAGE, SERVER)


def source_of_key(name: str, *, is_trusted: bool) -> str:
    """The source of the events that come with this API key."""
    return f"{SERVER if is_trusted else PAGE}{name}"


def log_key(source: str, message_id: str) -> str:
    """The key under which the event log stores an event once. Page keys cannot claim the key of a server's event."""
    return f"{SERVER if source.startswith(SERVER) else PAGE}{message_id}"
