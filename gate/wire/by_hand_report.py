"""What a run by hand tells GitLab, where a person asks for that: one commit status in the end, under a name of its own.

It is posted with the person's own token. It is no word of the gate: nothing that waits for the gate takes it for one.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gate.cluster.api import Api
from gate.cluster.gates import Gates
from gate.cluster.workloads import Workloads
from gate.errors import GateError, Permanent, Temporary
from gate.gitlab.client import GitLab
from gate.gitlab.reporter import Reporter
from gate.gitlab.statuses import LONGEST
from gate.model import Announcement, Commit, Gate, Rollout, Run, Verdict, WorkloadName
from gate.tracking.announce import STATES

log = logging.getLogger(__name__)

PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between two tries, while GitLab cannot take it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which GitLab, and as whom."""

    url: str
    token: str = field(repr=False)
    authority: Path | None = None


class ByHandReport:
    """One run's word to the pipeline that has deployed what it is run against."""

    def __init__(self, gitlab: GitLab, name: str, commit: Commit, version: str) -> None:
        self._gitlab, self._name, self._commit, self._version = gitlab, name, commit, version

    def tell(self, run: Run, *, sleep: Callable[[float], None]) -> str:
        """Post how it has ended; returns where that is to be seen. Raises `GateError` if GitLab does not take it."""
        commit, reporter = self._commit, Reporter(self._gitlab)
        if run.spec.version != self._version:
            raise Permanent(f"the run was about another version than that of commit {commit.sha[:8]}")
        said = announcement(self._name, commit, run)
        for pause in PAUSES:
            try:
                reporter.report(said)
            except Temporary as error:
                log.debug("gitlab.later why=%r", str(error))
                sleep(max(pause, error.retry_after or 0.0))
            else:
                break
        else:
            reporter.report(said)
        return f"{self._name} of {commit.project}, pipeline {commit.pipeline}, is {said.state}"


@contextmanager
def report_to(api: Api, workload: WorkloadName, workflow: str, asked: Asked) -> Iterator[ByHandReport]:
    """Raises `GateError` for whatever would keep it from being told, before anything is done."""
    name = f"by-hand/{workload.namespace}/{workload.kind.lower()}/{workload.name}/{workflow}"
    if len(name) > LONGEST:
        raise Permanent(f"the status would be called {name}, and GitLab takes {LONGEST} characters; drop --report")
    commit, version = _what_runs(api, workload)
    gitlab = GitLab(asked.url, lambda: asked.token, authority=asked.authority)
    try:
        _insist_on_pipeline(gitlab, commit)
        yield ByHandReport(gitlab, name, commit, version)
    finally:
        gitlab.close()


def _what_runs(api: Api, workload: WorkloadName) -> tuple[Commit, str]:
    """The commit that the deploy job has written down, and the key of the version."""
    rollout = Workloads(api).rollout(workload)
    if rollout is None or rollout.version is None:
        raise Permanent(f"there is no {workload} with a complete version in the cluster at {api.host}")
    if rollout.commit is None:
        why = rollout.commit_problem or "it has no annotations that name one"
        raise Permanent(f"nothing says which commit {workload} comes from: {why}; {_REMEDY}")
    _insist_on_gate(Gates(api).get(workload), rollout, rollout.commit, rollout.version.key)
    return rollout.commit, rollout.version.key


def _insist_on_gate(gate: Gate | None, rollout: Rollout, commit: Commit, version: str) -> None:
    """Annotations may be left from a deploy before. Where somebody subscribes to the workload, its gate has compared
    them with what it has seen; a gate to whose workload nobody subscribes any more knows nothing of the present.
    """
    if gate is None or gate.workload != rollout.workload or not gate.status.subscriptions:
        return
    status = gate.status
    known = (status.commit.project, status.commit.sha) if status.commit else None
    if (known, status.version) != ((commit.project, commit.sha), version) or status.commit_problem:
        why = status.commit_problem or "it knows another commit or version, or has not seen this one settle yet"
        named = f"commit {commit.sha[:8]} has brought what {gate.workload.name} runs"
        raise Permanent(f"its gate does not say that {named}: {why}; {_REMEDY}")


def _insist_on_pipeline(gitlab: GitLab, commit: Commit) -> None:
    if commit.pipeline is None:
        raise Permanent(f"nothing says which pipeline has deployed commit {commit.sha[:8]}; {_REMEDY}")
    found = gitlab.pipeline(commit.project, commit.pipeline)
    if found.sha.lower() != commit.sha.lower():
        said = f"pipeline {commit.pipeline} of {commit.project} is one of commit {found.sha[:8]}, not {commit.sha[:8]}"
        raise Permanent(f"{said}; {_REMEDY}")


_REMEDY = "let the deploy job write it (`chaos-gate annotate` prints the lines), or run it without --report"


def announcement(name: str, commit: Commit, run: Run) -> Announcement:
    """What GitLab is to show of a run that is judged. Pure."""
    status = run.status
    if status.verdict is None:
        raise Permanent("the run has no verdict; GitLab is told nothing")
    why = f"passed {run.spec.workflow.name}"
    if status.verdict is not Verdict.PASSED:
        why = f"{status.reason}: {status.message}"
    description = f"by hand, {run.spec.asked_by}: {why}"
    return Announcement(
        name=name, commit=commit, version=run.spec.version, state=STATES[status.verdict], description=description
    )


def told(report: ByHandReport, run: Run, *, sleep: Callable[[float], None]) -> str:
    """One line about it, whatever becomes of it: the verdict of the run does not depend on GitLab."""
    try:
        return f"GitLab: {report.tell(run, sleep=sleep)}"
    except GateError as error:
        return f"GitLab was not told: {error}"
