"""Merge requests, and who is asked about them."""

from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class CheckResponse:
    """What an external service last said about a commit of a merge request."""

    sha: str
    status: str
    at: float


@dataclass(slots=True, kw_only=True)
class StatusCheck:
    """An external service that is asked about merge requests. `branches`: protected ones, by id; empty for all."""

    id: int
    name: str
    external_url: str
    secret: str
    branches: list[int] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Note:
    """What somebody wrote below a merge request."""

    id: int
    author: int
    body: str
    created_at: str
    updated_at: str


@dataclass(slots=True, kw_only=True)
class MergeRequest:
    """A wish to merge one branch into another. `sha`: the head of the source branch."""

    id: int
    iid: int
    title: str
    description: str
    source_branch: str
    target_branch: str
    author: int
    sha: str
    created_at: str
    state: str = "opened"
    head_pipeline: int | None = None
    merged_at: str | None = None
    merge_commit: str | None = None
    checks: dict[int, CheckResponse] = field(default_factory=dict)
    """Status check id -> what it last said."""
    notes: list[Note] = field(default_factory=list)
