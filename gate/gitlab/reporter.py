"""Brings GitLab to show one announcement, however often it is called and wherever it was interrupted before."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from gate.errors import Permanent
from gate.gitlab.protocol import Request
from gate.gitlab.statuses import Row, next_request, pipeline_of
from gate.model import Announcement

log = logging.getLogger(__name__)

LOOKS = 3
"""Where another user posts under our name, GitLab may write to a row of ours that was hidden, and hide theirs. No row
is seen at all then, until the next post opens one.
"""


class Statuses(Protocol):
    """GitLab, as far as the reporter needs it."""

    def user(self) -> int:
        """The id of the user whose token is used."""
        ...

    def statuses(self, project: str, sha: str, *, pipeline: int, name: str) -> Sequence[Row]:
        """The visible rows of this name in this pipeline."""
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

        One read and at most one write; where somebody else uses the name, a read after it as well. Raises `Temporary`
        (call again later) or `Permanent` (a person has to act).
        """
        commit = announcement.commit
        pipeline = pipeline_of(announcement)
        for _ in range(LOOKS):
            rows = self._gitlab.statuses(commit.project, commit.sha, pipeline=pipeline, name=announcement.name)
            bot = self._gitlab.user()
            request = next_request(announcement, rows, bot=bot, target_url=target_url)
            if request is not None:
                said = self._gitlab.send(request)
                if said is not None:
                    _check(announcement, said)
            if request is None or all(row.author == bot for row in rows):
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
