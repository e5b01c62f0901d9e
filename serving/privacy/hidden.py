"""Who was erased and may still be in the served bundle: they are hidden until a bundle without them is served."""

import threading
from collections.abc import Sequence
from datetime import datetime

from contracts.customer_id import ANONYMOUS_PREFIX, user_id_of
from contracts.privacy.tombstones import NO_TOMBSTONES, TombstoneFile, Tombstones
from serving.answers.published import PublishedBundle
from serving.state.protocol import SessionStore


class HiddenCustomers:
    """Reads the tombstones; those of another process count from the next question on. Thread-safe."""

    def __init__(self, file: TombstoneFile, sessions: SessionStore) -> None:
        self._file = file
        self._sessions = sessions
        self._lock = threading.Lock()
        self._listed: tuple[str, Tombstones, tuple[str, ...]] = ("", NO_TOMBSTONES, ())

    def hides(self, customer_ids: Sequence[str], made_at: datetime) -> bool:
        """Whether a bundle that was made then may hold one of these, who was erased. Their sessions end, too."""
        tombstones = self._file.current()
        if not tombstones:
            return False
        ids = [own for customer_id in customer_ids for own in _ids(customer_id)]
        found = tombstones.of(ids)
        if found is not None:
            self._sessions.forget(customer_ids, found.erased_at)
        return tombstones.hides(ids, made_at)

    def listed(self, served: PublishedBundle) -> tuple[str, ...]:
        """The customers of the bundle's table who are hidden; every row is hashed once per bundle and tombstones."""
        tombstones, table = self._file.current(), served.tables.get("customers")
        made_at = served.manifest.created_at
        if table is None or not tombstones.may_hide(made_at):
            return ()
        with self._lock:
            version, known, found = self._listed
            if version != served.version or known is not tombstones:
                found = tuple(each for each in table.keys if tombstones.hides(_ids(each), made_at))
                self._listed = (served.version, tombstones, found)
            return found


def _ids(customer_id: str) -> tuple[str, ...]:
    """The ids that a customer id may stand for; an erased id is marked by each of them."""
    return customer_id, user_id_of(customer_id), customer_id.removeprefix(ANONYMOUS_PREFIX)
