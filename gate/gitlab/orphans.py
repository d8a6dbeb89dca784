"""Rows of ours in GitLab that nobody will ever finish: found in the pipelines that wait for them, and canceled.

GitLab finishes no row by itself. Where the workload is gone, or its gate gave an announcement up, what was begun there
stays `pending` or `running` for ever, and the pipeline with it.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gate.errors import GateError
from gate.gitlab.client import Pipeline
from gate.gitlab.protocol import Request
from gate.gitlab.statuses import FINAL, Row, post
from gate.model import Announcement, Commit, Gate, StatusState

log = logging.getLogger(__name__)

PREFIX = "chaos/"
GONE = "the gate judges this no more: its workload or its subscription is gone, or it was left behind"


class Pipelines(Protocol):
    """GitLab, as far as orphans are looked for in it."""

    def user(self) -> int:
        """The id of the user whose token is used."""
        ...

    def unfinished(self, project: str) -> Sequence[Pipeline]:
        """The pipelines that are not over: one that has a row that is not, is not."""
        ...

    def external(self, project: str, sha: str, *, pipeline: int) -> Sequence[Row]:
        """The visible rows in a pipeline that are no jobs, by whomever."""
        ...

    def send(self, request: Request) -> Any:
        """The JSON of the answer; None if GitLab says that the thing was done already."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """By what a gate knows a row as its own, where several gates may post as one user."""

    names: Collection[str] = ()
    """Of the statuses that its subscriptions have."""
    link: str = ""
    """How its links begin; empty if it has none."""

    def has(self, row: Row) -> bool:
        """By its link, which no other gate has; a row without one by its name."""
        if not row.name.startswith(PREFIX):
            return False
        if row.target_url and self.link:
            return row.target_url.startswith(f"{self.link}/")
        return row.name in self.names


def suspects(rows: Iterable[Row], *, bot: int, own: Own) -> Iterator[Row]:
    """The gate's own rows that are not finished."""
    return (row for row in rows if row.author == bot and row.state not in FINAL and own.has(row))


def ends(project: str, rows: Iterable[Row], gates: Iterable[Gate]) -> Iterator[Announcement]:
    """How rows that are not finished should end, by what the gates say now; those that a gate still looks after do not.

    Where GitLab has accepted a final state, the row was written over it later, by whoever was late.
    """
    announced = {each.key: (each, each in gate.told) for gate in gates for each in gate.status.announcements}
    for row in rows:
        commit = Commit(project=project, sha=row.sha, pipeline=row.pipeline)
        gone = Announcement(name=row.name, commit=commit, version="", state=StatusState.CANCELED, description=GONE)
        end, told = announced.get(gone.key, (gone, True))
        if end.state.final and told:
            yield end


class Sweep:
    """Looks through the projects that a gate reports to."""

    def __init__(
        self,
        gitlab: Callable[[str], Pipelines],
        gates: Callable[[], Iterable[Gate]],
        own: Callable[[], Own],
    ) -> None:
        """`gitlab` of a project; `gates`: as they are in the cluster at this very moment."""
        self._gitlab, self._gates, self._own = gitlab, gates, own

    def run(self, projects: Iterable[str]) -> int:
        """Finish what nobody else will; returns how many rows there were. A project that cannot be asked is passed."""
        return sum(map(self._project, sorted(set(projects))))

    def _project(self, project: str) -> int:
        try:
            gitlab = self._gitlab(project)
            found = self._suspects(gitlab, project)
            # Asked for only now. Whatever is posted is announced before, so no row is older than what is read here.
            gates = self._gates() if found else ()
            done = 0
            for end in ends(project, found, gates):
                gitlab.send(post(end))
                log.warning("gitlab.orphan project=%s status=%s pipeline=%s", project, end.name, end.commit.pipeline)
                done += 1
        except GateError as error:
            log.warning("gitlab.unswept project=%s why=%r", project, str(error))
            return 0
        return done

    def _suspects(self, gitlab: Pipelines, project: str) -> list[Row]:
        bot, own = gitlab.user(), self._own()
        return [
            row
            for pipeline in gitlab.unfinished(project)
            for row in suspects(gitlab.external(project, pipeline.sha, pipeline=pipeline.id), bot=bot, own=own)
        ]
