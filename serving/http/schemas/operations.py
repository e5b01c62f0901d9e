"""The JSON of what is served and whether the service runs."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from serving.http.schemas.answer import Answer, Part


class FamilyAnswer(Part):
    """What one family is and how well it does."""

    kind: str
    as_of: datetime
    made_in: str = Field(description="The bundle in which this fit was first published.")
    model_version: str
    baseline: str
    gate: str = Field(description="Why the model or the baseline answers, in a sentence.")
    verdict: str = Field(description="The model against its baseline: better, unclear, worse, too_few or nothing.")
    answered_by: str | None = Field(description="model or baseline.")
    metrics: dict[str, float | None]
    baseline_metrics: dict[str, float | None]
    parameters: dict[str, Any]
    columns: dict[str, str] = Field(description="What each of its columns says, in words.")


class TableAnswer(Part):
    """A table's size and its columns with their types."""

    rows: int
    columns: dict[str, str]
    words: dict[str, str] = Field(
        default_factory=dict, description="What each of the columns says that no family brings, in words."
    )


class BundleAnswer(Answer):
    """What is being served."""

    created_at: datetime
    loaded_at: datetime
    window_start: datetime
    window_end: datetime
    consent_cut: datetime
    status: str
    families: dict[str, FamilyAnswer]
    tables: dict[str, TableAnswer]


class ReadyAnswer(Part):
    """The service can answer."""

    status: Literal["ready"]
    bundle_version: str
    is_current: bool = Field(description="False: a newer bundle was refused, see `detail`.")
    is_policy_current: bool = Field(description="False: the policy file cannot be used, the one before it counts.")
    detail: str


class HealthAnswer(Part):
    """The process runs."""

    status: Literal["alive"]
