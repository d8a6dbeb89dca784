"""Brings GitLab to show one announcement, however often it is called and wherever it was interrupted before."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from gate.errors import Permanent
from gate.gitlab.protocol import Request
from gate.gitlab.statuses import Row, newest_of, next_request, pipeline_of
from gate.model import Announcement

log = logging.getLogger(__name__)

LOOKS = 3
"""Where another user posts under our name, GitLab may write to a row of ours that was hidden, and hide theirs. No row
is seen at all then, until the next post opens one. And the final state of a row that was begun for what the pipeline
had deployed before is written to that very row: only the next post opens one for what is deployed now.
"""


class Statuses(Protocol):
    """GitLab, as far as the reporter needs it."""

    def user(self) -> int:
        """The id of the user whose token is used."""
        ...

    def statuses(self, project: str, sha: str, *, pipeline: int, name: str) -> Sequence[Row]:
        """The visible rows of this name in this pipeline."""
        ...

    def external(self, project: str, sha: str, *, pipeline: int) -> Sequence[Row]:
        """The visible rows of this pipeline that are no jobs."""
        ...

    def began(self, project: str, job: int) -> datetime | None:
        """When a job began; None if it has not, or there is none that we may see."""
        ...

    def send(self, request: Request) -> Any:
        """The JSON of the answer; None if GitLab says that the thing was done already."""
        ...


class Reporter:
    """Reports announcements to one GitLab. Keeps nothing that it could not find out again."""

    def __init__(self, gitlab: Statuses) -> None:
        self._gitlab = gitlab

    def report(self, announcement: Announcement, target_url: str = "") -> str:
        """Make GitLab show the announcement and return its `statuses.mark`, to be remembered as accepted.

        One read and at most one write; where somebody else uses the name, or the row is from before the deployment, a
        read after it as well. Raises `Temporary` (call again later) or `Permanent` (a person has to act).
        """
        commit = announcement.commit
        pipeline = pipeline_of(announcement)
        for _ in range(LOOKS):
            rows = self._gitlab.statuses(commit.project, commit.sha, pipeline=pipeline, name=announcement.name)
            bot = self._gitlab.user()
            since = self._since(announcement, newest_of(announcement, rows, bot=bot))
            request = next_request(announcement, rows, bot=bot, target_url=target_url, since=since)
            if request is None:
                break
            if any(row.author != bot for row in rows):
                self._insist_on_no_job(announcement)
            said = self._gitlab.send(request)
            if said is not None:
                _check(announcement, said)
            if all(row.author == bot for row in rows) and not _is_older(said, since):
                break
        log.info(
            "gitlab.%s status=%s state=%s project=%s commit=%s pipeline=%s",
            "unchanged" if request is None else "posted",
            announcement.name,
            announcement.state,
            commit.project,
            commit.sha[:8],
            pipeline,
        )
        return announcement.mark

    def _insist_on_no_job(self, announcement: Announcement) -> None:
        """Raises `Permanent` where a job bears the name: GitLab refuses the status, and old ones write over the job."""
        commit, pipeline = announcement.commit, pipeline_of(announcement)
        external = self._gitlab.external(commit.project, commit.sha, pipeline=pipeline)
        if all(row.name != announcement.name for row in external):
            why = f"a CI job of pipeline {pipeline} of {commit.project} has the name of the status {announcement.name}"
            raise Permanent(f"{why}, which was not posted; rename the job or the subscription")

    def _since(self, announcement: Announcement, shown: Row | None) -> datetime | None:
        """When the job began that has deployed what the announcement is about, where a row may be older than that."""
        commit = announcement.commit
        if commit.job is None or shown is None or not announcement.state.final:
            return None
        return self._gitlab.began(commit.project, commit.job)


def _is_older(said: Mapping[str, Any] | None, since: datetime | None) -> bool:
    """Whether what was written is a row from before."""
    created = Row.parse(said).created if said is not None and since is not None else None
    return created is not None and since is not None and created < since


def _check(announcement: Announcement, said: Mapping[str, Any]) -> None:
    """GitLab must have written the row that was meant: old ones chose another pipeline at times (issue 300720)."""
    row = Row.parse(said)
    commit = announcement.commit
    meant = (announcement.name, commit.sha, commit.pipeline)
    if (row.name, row.sha, row.pipeline) != meant:
        raise Permanent(
            f"GitLab was told {announcement.name} for commit {commit.sha[:8]} in pipeline {commit.pipeline}, but wrote "
            f"{row.name} for commit {row.sha[:8]} in pipeline {row.pipeline}; compare the workload's annotations with "
            f"{commit.project}"
        )
