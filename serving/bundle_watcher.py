"""Follows the published bundle, the policy file and the catalogue updates, and holds what is served.

A request handler reads `BundleWatcher.served` once. A new bundle is loaded beside the old one and replaces it by one
assignment. If the new bundle fails a check, the old one stays; the log, readiness and metrics say so. What is served
is the published bundle with two overrides: the merchant's policy, and the catalogue updates that came after it was
made. Replays run before the overrides apply.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import monotonic
from typing import Final

from contracts.bundle_store import BundlePointer, BundleStore
from contracts.errors import InputError, NoBundle
from recsys.data.catalogue_updates import ItemUpsert
from recsys.reranking.policy import Policy
from serving.answers.catalogue_updates import CatalogueUpdates
from serving.answers.policy_watcher import PolicyWatcher
from serving.answers.served_bundle import ServedBundle, load_bundle
from serving.answers.showable_items import answer_every_placement, with_showable

RETRY_REFUSED_SECONDS: Final = 60.0
_NO_BUNDLE: Final = "Nothing has been published yet. Run `shopkeeper retrain`; the service notices by itself."
_BAD_POLICY: Final = (
    " The policy file was changed and cannot be used; the previous policy stays in force. See the service's log."
)

_log: Final = logging.getLogger("serving.bundles")


@dataclass(frozen=True)
class BundleStatus:
    """Whether something can be served, and whether it is what was published."""

    served_version: str | None
    refused: bool  # CURRENT names a bundle that cannot be served
    policy_refused: bool  # the policy file cannot be used
    detail: str  # for a person; names no paths


class BundleWatcher:
    """Holds the served bundle and follows CURRENT, the policy file and the catalogue updates."""

    def __init__(
        self, store: BundleStore, policy: PolicyWatcher | None = None, updates: CatalogueUpdates | None = None
    ) -> None:
        self._store = store
        self._policy = policy or PolicyWatcher(None)
        self._updates = updates
        self._lock = threading.Lock()  # one thread at a time applies overrides
        self._published: ServedBundle | None = None  # as loaded, without overrides
        self._applied: _AppliedOverrides | None = None  # to `served`
        self._refused_pointer: BundlePointer | None = None
        self._retry_at = 0.0
        self._problem: str | None = None
        self._logged_policy_problems: tuple[str, ...] = ()
        self._logged_items: dict[str, str] = {}  # those that are not shown, and why
        self.served: ServedBundle | None = None

    def refresh(self) -> bool:
        """Load what has changed; true if a bundle was swapped in. Never raises on a bad bundle."""
        before = self._published
        problem = self._follow_current()
        self._policy.refresh()
        try:
            self.apply_updates()
        except Exception as error:  # the new bundle with its overrides is in doubt
            problem = f"{type(error).__name__}: {error}"
            if self._published is not None and self._published is not before:
                self._refused_pointer = self._published.pointer
                self._published = before
        self._set_problem(problem)
        if self._published is before or self.served is None:
            return False
        _log.info("serving bundle %s, as of %s", self.served.version, self.served.as_of().isoformat())
        return True

    def apply_updates(self) -> None:
        """Serve the bundle with all catalogue updates stored so far, under the policy in force.

        Raises StorageError if the updates cannot be read.
        """
        with self._lock:
            if self._updates is not None:
                self._updates.refresh()
            now = datetime.now(UTC)
            published, policy = self._published, self._policy.policy
            version = self._updates.version if self._updates is not None else 0
            if published is None or (
                self._applied is not None and self._applied.is_current(published, policy, version, now)
            ):
                return
            launch = self._updates.next_launch(now) if self._updates is not None else None
            self.served = self._with_overrides(published, policy, now)
            self._applied = _AppliedOverrides(published, policy, version, launch)

    def require_showable(self, items: Sequence[ItemUpsert]) -> None:
        """Raises InputError if the published bundle's recommender cannot show one of the items."""
        published = self._published
        if published is None or published.recommender is None:
            return
        _, refused = with_showable(published.recommender, items)
        if refused:
            for item_id, problem in refused.items():
                _log.error("item %r cannot be shown, and was not stored: %s", item_id, problem)
            names = ", ".join(map(repr, refused))
            raise InputError(
                f"the items {names} cannot be shown, so nothing of this request was stored. Leave them out."
            )

    def status(self) -> BundleStatus:
        """What is served, and what a person should know about it."""
        version = self.served.version if self.served else None
        detail = f"Bundle {version} is served." if version else _NO_BUNDLE
        if self._problem is not None:
            serving = f"bundle {version} is still served" if version else "nothing can be served"
            detail = (
                f"The published bundle was refused, and {serving}. The service's log says why. Run `shopkeeper "
                "publish` again, or `shopkeeper rollback`."
            )
        detail += _BAD_POLICY if self._policy.is_refused else ""
        return BundleStatus(version, self._problem is not None, self._policy.is_refused, detail)

    def _follow_current(self) -> str | None:
        """Load the bundle that CURRENT names if it has changed; returns the problem, if there is one."""
        try:
            pointer = self._store.current()
            if self._published is not None and pointer == self._published.pointer:
                return None
            if pointer == self._refused_pointer and monotonic() < self._retry_at:
                return self._problem
            self._refused_pointer, self._retry_at = pointer, monotonic() + RETRY_REFUSED_SECONDS
            self._published = load_bundle(self._store, pointer)
        except NoBundle as error:
            return None if self.served is None else f"CURRENT is gone: {error}"
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        self._refused_pointer = None
        return None

    def _with_overrides(self, published: ServedBundle, policy: Policy, now: datetime) -> ServedBundle:
        recommender = published.recommender
        if recommender is None:
            return published
        news: list[ItemUpsert] = []
        refused: dict[str, str] = {}
        if self._updates is not None:
            news, refused = self._updates.updates_for(recommender, now, published.row_updated_at)
        signals = published.item_columns
        columns = signals.attributes(policy.attribute_names) if signals is not None else None
        if news:
            recommender, more = with_showable(recommender, news)
            refused |= more
        recommender = recommender.with_policy(policy, columns)
        answer_every_placement(recommender)
        if refused != self._logged_items:
            self._logged_items = refused
            for item_id, problem in refused.items():
                _log.error("item %r is stored but cannot be shown, and is left out: %s", item_id, problem)
        if recommender.policy_problems != self._logged_policy_problems:
            self._logged_policy_problems = recommender.policy_problems
            for problem in self._logged_policy_problems:
                _log.warning("the policy names what bundle %s does not have: %s", published.version, problem)
        return replace(published, recommender=recommender)

    def _set_problem(self, problem: str | None) -> None:
        if problem is not None and problem != self._problem:
            served = self.served.version if self.served else "nothing"
            _log.error("the published bundle was refused, still serving %s: %s", served, problem)
        if problem is None and self._problem is not None:
            _log.warning("the published bundle is served again")
        self._problem = problem


@dataclass(frozen=True)
class _AppliedOverrides:
    """What the served bundle was made of."""

    published: ServedBundle
    policy: Policy
    updates_version: int
    next_launch: datetime | None

    def is_current(self, published: ServedBundle, policy: Policy, updates_version: int, now: datetime) -> bool:
        is_same = self.published is published and self.policy is policy and self.updates_version == updates_version
        return is_same and (self.next_launch is None or now < self.next_launch)
