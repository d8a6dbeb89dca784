"""The answer of one workload's gate, for a commit or as it is now. Pure.

One rule stands above all others here: the verdict of one version is never attached to another commit. A commit gets a
verdict only if the gate is at that commit now, or remembers both what it announced for that commit and the version that
the announcement was about.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from gate.model import (
    Announcement,
    Gate,
    GateOverride,
    GateStatus,
    Judgement,
    Phase,
    Reason,
    Run,
    RunEntry,
    StatusState,
    Verdict,
    WorkloadName,
)
from gate.tracking.overrides import in_question
from gate.web.answer import Answer, Question, State
from gate.web.in_question import is_asked
from gate.web.run_answer import of_entry

Stands = Callable[[Gate, str], GateOverride | None]
"""The override of a gate's version that is in force at this moment."""


def of_workload(
    question: Question,
    workload: WorkloadName,
    gate: Gate | None,
    live: Mapping[str, Run],
    stands: Stands,
) -> Answer:
    name = str(workload)
    if gate is None:
        return Answer(state=State.UNSEEN, message="the gate has not seen the workload yet", workloads=(name,))
    status = gate.status
    if not question.sha or is_asked(question, status.commit):
        known = replace(_known(name, _standing(status), status.version, status.runs, live), message=_message(status))
        return _overridden(known, stands(gate, in_question(status)))
    earlier = next((one for one in status.announcements if is_asked(question, one.commit) and one.state.final), None)
    if earlier is None:
        return _unseen(name, gate)
    return _overridden(_announced(name, earlier, gate, live), stands(gate, earlier.version))


def _overridden(answer: Answer, override: GateOverride | None) -> Answer:
    """The answer with what a person said of it beside it."""
    return replace(answer, overrides=(override,)) if override else answer


def elsewhere(workload: WorkloadName) -> Answer:
    """Whatever the other gate may know."""
    message = f"this gate does not judge in the namespace {workload.namespace}; ask the one that does"
    return Answer(state=State.UNSEEN, message=message, workloads=(str(workload),))


def proven(answer: Answer, subscriptions: set[str]) -> Answer:
    """The answer, but no pass for a subscription that came only after this version was judged: nothing ran for it."""
    proven = {name for run in answer.runs for name in run.subscriptions}
    late = subscriptions - proven
    if answer.state is not State.OPEN or not late:
        return answer
    message = (
        f"{', '.join(sorted(late))} subscribed after this version was judged; the next version will be judged for it"
    )
    return replace(answer, state=State.PENDING, verdict=None, reason=Reason.NOT_JUDGED_YET, message=message, score=None)


def _message(status: GateStatus) -> str:
    return f"what was judged is being replaced: {status.replacing}" if status.replacing else status.message


def _standing(status: GateStatus) -> Judgement | None:
    """The judgement of the version that runs. Where the two fields verdict and phase disagree, nothing is known, and
    nothing either while it is being replaced, perhaps by something else of the same name.
    """
    if status.replacing:
        return None
    open_phase, passed = status.phase is Phase.OPEN, status.verdict is Verdict.PASSED
    if status.verdict is None or status.phase is Phase.PENDING or open_phase != passed:
        return None
    return Judgement(verdict=status.verdict, reason=status.reason, message=status.message)


def _unseen(name: str, gate: Gate) -> Answer:
    commit = gate.status.commit
    if commit is None:
        message = (
            "the gate does not know which commit runs there; let the deploy job write the annotations "
            "chaosgate.dev/project, commit and pipeline on the workload"
        )
    else:
        where = f"pipeline {commit.pipeline}" if commit.pipeline is not None else "no pipeline that it knows"
        message = f"the gate is at commit {commit.sha[:8]} of {where}"
    return Answer(state=State.UNSEEN, message=message, workloads=(name,))


def _announced(name: str, earlier: Announcement, gate: Gate, live: Mapping[str, Run]) -> Answer:
    """A commit that the gate has left behind: what was announced for it, with the judgement of that very version."""
    # The newest comes first. By their times nobody could tell: clocks of replicas differ, and a second is long.
    judged = next((entry for entry in gate.status.judged if entry.version == earlier.version), None)
    if earlier.state is StatusState.CANCELED:
        canceled = Judgement(verdict=Verdict.CANCELED, reason=Reason.SUPERSEDED, message=earlier.description)
        if judged is not None and judged.judgement.verdict is Verdict.CANCELED:
            canceled = replace(judged.judgement, message=judged.judgement.message or earlier.description)
        return _known(name, canceled, earlier.version, judged.runs if judged else (), live)
    if judged is None or (judged.judgement.verdict is Verdict.PASSED) != (earlier.state is StatusState.SUCCESS):
        why = "the gate has left this commit behind and holds no verdict for it; run the pipeline of the commit again"
        lost = Judgement(verdict=Verdict.CANCELED, reason=Reason.SUPERSEDED, message=why)
        return _known(name, lost, earlier.version, (), live)
    return _known(name, judged.judgement, judged.version, judged.runs, live)


def _known(
    name: str, judgement: Judgement | None, version: str, entries: Sequence[RunEntry], live: Mapping[str, Run]
) -> Answer:
    runs = tuple(of_entry(name, entry, live.get(entry.uid) if entry.uid else None) for entry in entries)
    if judgement is None:
        return Answer(state=State.PENDING, workloads=(name,), version=version, runs=runs)
    scores = [entry.score for entry in entries if entry.score is not None]
    return Answer(
        state=State.OPEN if judgement.verdict is Verdict.PASSED else State.CLOSED,
        verdict=judgement.verdict,
        reason=judgement.reason,
        message=judgement.message,
        workloads=(name,),
        version=version,
        score=min(scores, default=None),
        runs=runs,
    )
