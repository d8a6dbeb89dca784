"""The gate's answer as GitLab shows it: for jobs that reach their GitLab, and not the gate.

Whoever may push may post a commit status of any name. So a row counts only if the gate's bot has written it, in this
very pipeline; all others are passed over. A job that is retried may have deployed something else since: what is older
than the newest deployment of the pipeline is no verdict about it. What nobody has written is no verdict: it cannot be
told here whether nobody subscribed, or the gate is away.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gate.errors import Permanent
from gate.gitlab.client import Deployment
from gate.gitlab.statuses import Row
from gate.gitlab.token import TokenRefused
from gate.model import Reason, Verdict
from gate.tracking.overrides import OVERRIDDEN
from gate.web.answer import Answer, State
from gate.web.run_answer import RunAnswer

PACE = 10.0
"""Seconds between two looks: six a minute of the hundreds that GitLab allows to a token."""

_VERDICTS = {"success": Verdict.PASSED, "failed": Verdict.FAILED, "canceled": Verdict.CANCELED}
_GOING_ON = {"created", "pending", "running"}
_REASON = re.compile(rf"(?:{OVERRIDDEN}.*?; )?([A-Z][A-Za-z]+):", re.DOTALL)
"""How a description begins that says why; before it may stand who lets the version through: that is no verdict."""
_OUTDATED = ", of before the newest deployment; if no other comes, run a new pipeline"
_OF_THE_SERVICE = {Reason.PROBE_FAILED, Reason.RECOVERY_TOO_SLOW}


class Rows(Protocol):
    """A GitLab, as far as it is asked here."""

    def external(self, project: str, sha: str, *, pipeline: int) -> Sequence[Row]:
        """The visible rows of a pipeline that are no jobs, by whomever. Raises `Temporary` or `Permanent`."""
        ...

    def deployments(self, project: str, *, environment: str) -> Sequence[Deployment]:
        """The newest deployments to an environment, newest first. Raises `Temporary` or `Permanent`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The pipeline that is asked for, whom to believe, and what he has to have said."""

    project: str
    sha: str
    pipeline: int
    bot: str
    """The id or the username of the gate's bot."""
    environment: str = ""
    statuses: tuple[str, ...] = ()
    """Names of statuses that have to be there; else one is enough."""

    def believes(self, row: Row) -> bool:
        """Whether the gate's bot has written this row, in this pipeline."""
        who = str(row.author) if self.bot.isdecimal() else row.username
        return row.author is not None and who == self.bot and row.pipeline == self.pipeline

    def is_about(self, row: Row) -> bool:
        """Whether the name of the row is one of those that are asked for."""
        prefix = f"chaos/{self.environment}/" if self.environment else "chaos/"
        return row.name in self.statuses if self.statuses else row.name.startswith(prefix)


class ShownByGitLab:
    """Asked like a gate."""

    def __init__(self, gitlab: Rows, where: Where, *, sleep: Callable[[float], None]) -> None:
        self._gitlab, self._where, self._sleep = gitlab, where, sleep
        self._passed: tuple[Row, ...] = ()

    def ask(self, *, after: str, timeout: float) -> Answer:
        """What GitLab shows now, a moment after the last look. Raises `Temporary`, or `Permanent` if it never will."""
        if after:
            self._sleep(min(PACE, timeout))
        where = self._where
        try:
            found = self._gitlab.external(where.project, where.sha, pipeline=where.pipeline)
            deployed = self._deployed()
        except TokenRefused as error:
            raise Permanent("GitLab refuses the token: give one that is valid, with the scope read_api") from error
        answer = answer_of(where, found, deployed)
        believed = tuple(row for row in found if where.believes(row))
        if answer.verdict is Verdict.PASSED and not where.statuses and believed != self._passed:
            # The gate posts one status after the other: believed is what stays as it is.
            self._passed = believed
            message = "all passed; looking once more whether there is another status"
            return Answer(state=State.PENDING, message=message, workloads=answer.workloads, runs=answer.runs)
        return answer

    def _deployed(self) -> datetime | None:
        """When the pipeline has last begun to deploy there; None: never, or it is not known where."""
        where = self._where
        if not where.environment:
            return None
        made = self._gitlab.deployments(where.project, environment=where.environment)
        return max((each.created for each in made if each.created and each.pipeline == where.pipeline), default=None)


def answer_of(where: Where, rows: Iterable[Row], deployed: datetime | None = None) -> Answer:
    """What the bot has said since the deployment, folded as the gate does: failed as soon as one has, else decided when
    all are.
    """
    about = [row for row in rows if where.is_about(row)]
    newest: dict[str, Row] = {}
    for row in sorted(filter(where.believes, about), key=lambda each: each.id):
        newest[row.name] = row
    runs = tuple(_run(row, deployed) for row in newest.values())
    absent = [name for name in where.statuses if name not in newest]
    others = sorted({row.name for row in about if not where.believes(row)} - newest.keys())
    said = [f"{row.name}: {row.state}{_OUTDATED if _is_outdated(row, deployed) else ''}" for row in newest.values()]
    said += [f"{name}: not there yet" for name in absent]
    said += [f"{name}: passed over, for {where.bot} has not written it" for name in others]
    names = tuple(newest)
    if not newest:
        message = "; ".join([f"pipeline {where.pipeline} has no status that {where.bot} has written", *said])
        return Answer(state=State.UNSEEN, message=message)
    verdicts = [run.verdict for run in runs]
    known = [verdict for verdict in verdicts if verdict is not None]
    if Verdict.FAILED not in known and (absent or len(known) < len(verdicts)):
        return Answer(state=State.PENDING, message="; ".join(said), workloads=names, runs=runs)
    worst = Verdict.worst(known)
    speaks = next(run for run in runs if run.verdict is worst)
    return Answer(
        state=State.OPEN if worst is Verdict.PASSED else State.CLOSED,
        verdict=worst,
        reason=speaks.reason,
        message="; ".join(said),
        workloads=names,
        runs=runs,
    )


def _is_outdated(row: Row, deployed: datetime | None) -> bool:
    return deployed is not None and (row.created is None or row.created < deployed)


def _run(row: Row, deployed: datetime | None) -> RunAnswer:
    """A status as if it were a run: its description says why."""
    first = _REASON.match(row.description)
    reason = next((each for each in Reason if first and each == first[1]), None)
    undecided = row.state in _GOING_ON or _is_outdated(row, deployed)
    verdict = None if undecided else _VERDICTS.get(row.state, Verdict.ERRORED)
    if verdict is Verdict.FAILED and reason is not None and reason not in _OF_THE_SERVICE:
        verdict = Verdict.ERRORED  # GitLab has one word for both
    link = f" ({row.target_url})" if row.target_url else ""
    message = f"{row.description or row.state}{link}"
    return RunAnswer(
        name=str(row.id), workload=row.name, workflow="commit status", verdict=verdict, reason=reason, message=message
    )
