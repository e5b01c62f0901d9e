"""MLflow's runs: figures and parameters of whole stores. A file that names the person is deleted all the same."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from contracts.privacy.erasable import DataClass, Person
from contracts.settings import Settings


class RunStore:
    """`Erasable`, of artifacts on disk; those of an MLflow server are its own."""

    name = "mlflow"
    data_class: DataClass = "predictions"
    files = ("mlflow.db*", "mlartifacts/**/*")

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.home.resolve() / "mlartifacts"

    def export(self, person: Person) -> list[dict[str, Any]]:
        return [
            {"file": path.relative_to(self._folder).as_posix(), "text": path.read_text("utf-8", "replace")}
            for path in self._naming(person)
        ]

    def erase(self, person: Person) -> int:
        found = list(self._naming(person))
        for path in found:
            path.unlink()
        return len(found)

    def expire(self, before: datetime) -> int:
        return 0  # figures name nobody

    def _naming(self, person: Person) -> Iterator[Path]:
        """Artifacts that name the person as a text of their own, not as a number that happens to be the same."""
        for path in sorted(self._folder.rglob("*")):
            if path.is_file():
                content = path.read_bytes()
                if any(f'"{each}"'.encode() in content for each in person.customer_ids):
                    yield path
