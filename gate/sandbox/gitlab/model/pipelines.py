"""Pipelines and what is in them: jobs, and statuses from outside."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gate.sandbox.gitlab.composite import composite
from gate.sandbox.gitlab.configuration.document import JobConfig

EXTERNAL_STAGE = 1_000_000
"""Where external statuses stand: after every stage that a file could name, so that no job ever waits for them."""
FINISHED = frozenset({"success", "failed", "canceled", "skipped"})
"""Where a row's or a pipeline's way ends."""
CHILD = "parent_pipeline"
"""The source of a child pipeline; neither the newest pipeline of a commit nor a status is looked for there."""
MERGE_REQUEST = "merge_request_event"
"""The source of a pipeline of a merge request."""


@dataclass(slots=True, kw_only=True)
class Row:
    """A job of CI, a bridge to a child pipeline, or an external status."""

    id: int
    name: str
    stage: str
    stage_index: int
    status: str
    user: int
    sha: str
    ref: str
    pipeline: int
    created_at: str
    external: bool = False
    protected: bool = False
    allow_failure: bool = False
    retried: bool = False
    description: str | None = None
    target_url: str | None = None
    coverage: float | None = None
    started_at: str | None = None
    finished_at: str | None = None
    config: JobConfig | None = None
    trace: Path | None = None
    failure_reason: str | None = None
    downstream: int | None = None
    """The child pipeline that a bridge has started."""
    played: bool = False
    """Somebody said that it should start."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What whoever played it sent along."""
    dotenv: Mapping[str, str] = field(default_factory=dict)
    """What its dotenv report says to the jobs after it."""
    token: str = ""
    """Its own token, good while it runs."""

    @property
    def environment(self) -> str:
        """The environment that it deploys to; empty for one that only looks, or has none."""
        return self.config.environment if self.config and self.config.deploys else ""


@dataclass(slots=True, kw_only=True)
class Pipeline:
    """One run of a configuration, or the empty one that an external status opened."""

    id: int
    iid: int
    sha: str
    ref: str
    source: str
    user: int
    created_at: str
    before_sha: str = "0" * 40
    tag: bool = False
    rows: list[Row] = field(default_factory=list)
    yaml_errors: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    """What whoever started it sent along."""
    status: str = "created"
    """What it shows: the sum of its rows as it was when GitLab last came to look, a moment ago."""
    started_at: str | None = None
    finished_at: str | None = None
    merge_request: int | None = None
    """The iid of the merge request that it belongs to."""
    source_sha: str | None = None
    """The head of the source branch, where the pipeline runs on the commit that a merge would make."""
    parent: int | None = None
    """The bridge that has started it."""

    @property
    def sum(self) -> str:
        """What its visible rows add up to now."""
        if self.yaml_errors:
            return "failed"
        return composite((row.status, row.allow_failure) for row in self.rows if not row.retried)

    @property
    def jobs(self) -> list[Row]:
        """Its rows that are jobs, in the order of the stages, without external statuses."""
        return [row for row in self.rows if not row.external and not row.retried]
