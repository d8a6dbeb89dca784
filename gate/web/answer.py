"""The standing answer for those who wait for it: pipelines that ask for their commit, people who ask for a workload.

Pure. One rule stands above all others here: the verdict of one version is never attached to another commit. A commit
gets a verdict only if the gate is at that commit now, or remembers both what it announced for that commit and the
version that the announcement was about.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from gate.model import (
    Announcement,
    Commit,
    Gate,
    GateOverride,
    GateStatus,
    Judgement,
    Phase,
    Reason,
    Run,
    RunEntry,
    Selection,
    StatusState,
    Subscription,
    Verdict,
    WorkloadName,
    fingerprint,
)
from gate.tracking.overrides import in_question, in_words
from gate.web.run_answer import RunAnswer, of_entry


class State(StrEnum):
    """How far the answer is. OPEN and CLOSED are final for a commit; UNSUBSCRIBED may end with the next document."""

    UNSUBSCRIBED = "unsubscribed"
    UNSEEN = "unseen"
    PENDING = "pending"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked for: one workload, or all that a project's subscriptions name; for one commit, or as it is now."""

    workload: WorkloadName | None = None
    project: str = ""
    environment: str = ""
    sha: str = ""
    pipeline: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selecting:
    """A subscription by selector, as far as this gate can see what it selects."""

    selection: Selection
    beyond: bool = False
    """It may select in namespaces that this gate does not judge in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A subscription that cannot be read, and what it is about as far as that can be told from its text."""

    why: str
    workload: WorkloadName | None = None
    project: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is known. There is a verdict exactly if the state is OPEN or CLOSED."""

    state: State
    verdict: Verdict | None = None
    reason: Reason | None = None
    message: str = ""
    workloads: tuple[str, ...] = ()
    version: str = ""
    score: int | None = None
    runs: tuple[RunAnswer, ...] = ()
    overrides: tuple[GateOverride, ...] = ()
    """By which people let it through now, whatever verdict there is, or none yet."""
    signed: tuple[str, ...] = field(default=(), repr=False)
    """What of it can be carried away and proven: an envelope for each workload, where the gate signs. It is no part of
    what the etag stands for.
    """

    @property
    def lets_through(self) -> bool:
        """It has passed, or people have said that it may go on."""
        return self.verdict is Verdict.PASSED or bool(self.overrides)

    @property
    def etag(self) -> str:
        """Changes exactly when the answer does."""
        return fingerprint(repr(self))


def answer(
    question: Question,
    *,
    gates: Sequence[Gate],
    subscriptions: Sequence[Subscription],
    selecting: Sequence[Selecting] = (),
    unreadable: Sequence[Unreadable] = (),
    readable: Collection[str] | None = None,
    runs: Sequence[Run] = (),
    judges: Callable[[str], bool] = lambda _: True,
    is_there: Callable[[WorkloadName], bool] = lambda _: True,
    stands: Callable[[Gate, str], GateOverride | None] = lambda *_: None,
) -> Answer:
    """The answer to the question, from what the gate knows and the catalogue says. `runs` only adds detail, `stands`
    is the override of a gate's version that is in force at this moment.

    `subscriptions` are those by name, and those by selector (`selecting`) once for each workload that they found. Of a
    namespace that this gate does not judge in, `judges` says so. Nothing is known of what is there, or of what is not
    there yet, so the answer is not that nobody subscribed it, either; nor is it where a document is `unreadable`.
    `readable` names every subscription of the catalogue where `subscriptions` are only some of them.
    """
    names = {each.name for each in subscriptions} if readable is None else set(readable)
    unread = {gate.workload.name for gate in gates if not names.issuperset(gate.status.subscriptions)}
    unread = {each for each in unread if judges(each.namespace)}  # another gate may have other documents
    workloads = _asked_for(question, gates, subscriptions, unread)
    if question.workload and not judges(question.workload.namespace):
        workloads.setdefault(question.workload, set())
    by_name = {gate.workload.name: gate for gate in gates}
    live = {run.uid: run for run in runs}

    def part(workload: WorkloadName, asking: set[str]) -> Answer:
        if not judges(workload.namespace):
            return _elsewhere(workload)
        said = _proven(_of_workload(question, workload, by_name.get(workload), live, stands), asking)
        return _perhaps_not_read(said, workload, unreadable) if workload in unread else said

    parts = [part(*each) for each in sorted(workloads.items(), key=str)]
    asked = [each for each in selecting if _is_about(each.selection.pattern, question)]
    if question.workload is None:
        found = {each.name for each in subscriptions}
        parts += [unseen for each in asked if (unseen := _not_all_of(each, found))]
    elif not parts and not is_there(question.workload):
        parts += _not_there_yet(question.workload, asked)
    parts += [_not_read(each) for each in unreadable if _may_be_about(each, question, workloads, alone=not parts)]
    if not parts:
        return Answer(state=State.UNSUBSCRIBED, message=_unsubscribed(question, subscriptions))
    return _fold(parts)


def _asked_for(
    question: Question, gates: Sequence[Gate], subscriptions: Sequence[Subscription], unread: Collection[WorkloadName]
) -> dict[WorkloadName, set[str]]:
    """The workloads in question, each with the subscriptions that make it so.

    A gate that knows of subscriptions counts beside the catalogue: a document that has become unreadable must not turn
    its workload into one that nobody subscribed, which some pipelines let pass. Where all of them can be read and one
    names the project, they have decided already whether it is asked for, perhaps only in another environment.
    """
    found: dict[WorkloadName, set[str]] = {}
    for subscription in subscriptions:
        if question.workload in {None, subscription.workload} and _is_about(subscription, question):
            found.setdefault(subscription.workload, set()).add(subscription.name)
    anywhere = replace(question, environment="")
    decided = {each.workload for each in subscriptions if _is_about(each, anywhere)}.difference(unread)
    whose = _names_of_project(question, gates)
    for gate in gates:
        name = gate.workload.name
        if question.workload is None:
            asked = _is_asked(question, gate.status.commit) or (
                name in unread and not whose.isdisjoint(projects_of(gate))
            )
        else:
            asked = name == question.workload
        if asked and gate.status.subscriptions and name not in decided:
            found.setdefault(name, set())
    return found


def _names_of_project(question: Question, gates: Sequence[Gate]) -> set[str]:
    """The path that is asked for, and the number by which the gates at the commit in question may know the project."""
    at_it = (gate.status.commit for gate in gates if _is_asked(question, gate.status.commit))
    return {question.project.lower(), *(commit.project.lower() for commit in at_it if commit)}


def projects_of(gate: Gate) -> set[str]:
    """The projects whose commits the workload has, or has had."""
    commits = [gate.status.commit, *(each.commit for each in gate.status.announcements)]
    return {commit.project.lower() for commit in commits if commit}


def _is_about(subscription: Subscription, question: Question) -> bool:
    """Project and environment are those in question, as far as it names them."""
    return (not question.project or subscription.project.lower() == question.project.lower()) and (
        not question.environment or subscription.environment == question.environment
    )


def _not_all_of(selecting: Selecting, found: set[str]) -> Answer | None:
    """What this gate cannot see of a selection. A selector that finds nothing is no proof that nothing is subscribed:
    what it is about may be another gate's, may still be on its way, or have other labels than its owners believe.
    """
    written, selector = selecting.selection.pattern, selecting.selection.selector
    if selecting.beyond:
        message = (
            f"{written.name} may select workloads in namespaces that this gate does not judge in; "
            "ask for one workload, or the gate that judges all of them"
        )
    elif written.name not in found:
        message = f"{written.name} ({written.place}) selects nothing that is there; see its labels and namespaces"
    else:
        return None
    return Answer(state=State.UNSEEN, message=message, workloads=(str(selector),))


def _not_there_yet(workload: WorkloadName, selecting: Sequence[Selecting]) -> list[Answer]:
    """Of a workload that is not there nobody knows its labels."""
    selectors = ((each.selection.pattern.name, each.selection.selector) for each in selecting)
    names = [name for name, each in selectors if each.kind is workload.kind and each.is_about(workload.namespace)]
    if not names:
        return []
    message = f"there is no such workload; if it comes, {', '.join(names)} may select it"
    return [Answer(state=State.UNSEEN, message=message, workloads=(str(workload),))]


def _may_be_about(document: Unreadable, question: Question, known: Collection[WorkloadName], *, alone: bool) -> bool:
    """Whether the document may subscribe what is in question. One that does not say whose it is may be about anything,
    but holds up only those of whom nobody else has said anything (`alone`).
    """
    if document.workload in known:
        return False  # its gate knows what was judged, and closes with the next version that the document keeps from it
    asked, said = question.project.lower(), document.project.lower()
    if question.workload is not None and document.workload is not None:
        return document.workload == question.workload
    if said and asked:
        return said == asked and (question.workload is None or alone)
    return alone


def _not_read(document: Unreadable) -> Answer:
    message = f"a subscription that cannot be read may be about it: {document.why}"
    workloads = (str(document.workload),) if document.workload else ()
    return Answer(state=State.UNSEEN, message=message, workloads=workloads)


def _perhaps_not_read(part: Answer, workload: WorkloadName, unreadable: Sequence[Unreadable]) -> Answer:
    """The answer of a gate that knows of a subscription that cannot be read, with what has to be mended there."""
    if part.state is not State.UNSEEN:
        return part
    perhaps = (each for each in unreadable if each.workload == workload or not (each.workload or each.project))
    why = [_not_read(each).message for each in perhaps]
    return replace(part, message="; ".join([part.message, *why]))


def _unsubscribed(question: Question, subscriptions: Sequence[Subscription]) -> str:
    anywhere = replace(question, environment="")
    about = [each for each in subscriptions if question.workload in {None, each.workload} and _is_about(each, anywhere)]
    there = f"; there are subscriptions in {', '.join(sorted({each.environment for each in about}))}" if about else ""
    return f"no subscription names {_what(question)}{there}"


def _what(question: Question) -> str:
    parts = [str(question.workload)] if question.workload is not None else []
    if question.project:
        parts.append(f"the project {question.project}")
    what = " and ".join(parts) or "anything"
    return f"{what} in {question.environment}" if question.environment else what


# --------------------------------------------------------------------------------------------------------- one workload


def _of_workload(
    question: Question,
    workload: WorkloadName,
    gate: Gate | None,
    live: dict[str, Run],
    stands: Callable[[Gate, str], GateOverride | None],
) -> Answer:
    name = str(workload)
    if gate is None:
        return Answer(state=State.UNSEEN, message="the gate has not seen the workload yet", workloads=(name,))
    status = gate.status
    if not question.sha or _is_asked(question, status.commit):
        known = replace(_known(name, _standing(status), status.version, status.runs, live), message=_message(status))
        return _overridden(known, stands(gate, in_question(status)))
    earlier = next((one for one in status.announcements if _is_asked(question, one.commit) and one.state.final), None)
    if earlier is None:
        return _unseen(name, gate)
    return _overridden(_announced(name, earlier, gate, live), stands(gate, earlier.version))


def _overridden(answer: Answer, override: GateOverride | None) -> Answer:
    """The answer with what a person said of it beside it."""
    return replace(answer, overrides=(override,)) if override else answer


def _elsewhere(workload: WorkloadName) -> Answer:
    """Whatever the other gate may know."""
    message = f"this gate does not judge in the namespace {workload.namespace}; ask the one that does"
    return Answer(state=State.UNSEEN, message=message, workloads=(str(workload),))


def _proven(answer: Answer, subscriptions: set[str]) -> Answer:
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


def _is_asked(question: Question, commit: Commit | None) -> bool:
    """Whether this is the commit in question. What the question leaves open does not matter, the rest must agree."""
    return (
        commit is not None
        and commit.sha.lower() == question.sha.lower()
        and (question.pipeline is None or commit.pipeline == question.pipeline)
        and (not question.project or commit.project.isdecimal() or commit.project.lower() == question.project.lower())
    )


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


def _announced(name: str, earlier: Announcement, gate: Gate, live: dict[str, Run]) -> Answer:
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
    name: str, judgement: Judgement | None, version: str, entries: Sequence[RunEntry], live: dict[str, Run]
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


# -------------------------------------------------------------------------------------------------------- all of them


def _fold(parts: Sequence[Answer]) -> Answer:
    """Several workloads as one: open if all are, failed as soon as one has failed, else decided when all are. Those
    that people let through hold nobody up, and their verdicts count where nobody else's does.
    """
    if len(parts) == 1:
        return parts[0]
    held = [part for part in parts if not part.lets_through]
    deciding = _deciding(held or parts)
    scores = [part.score for part in parts if part.score is not None]
    decided = deciding.verdict is not None
    return Answer(
        state=deciding.state,
        verdict=deciding.verdict,
        reason=deciding.reason,
        message="; ".join(map(_said, parts)),
        workloads=tuple(name for part in parts for name in part.workloads),
        version=" ".join(part.version for part in parts if part.version),
        score=min(scores, default=None) if decided else None,
        runs=tuple(run for part in parts for run in part.runs),
        overrides=() if held else tuple(override for part in parts for override in part.overrides),
    )


def _said(part: Answer) -> str:
    said = "; ".join([*map(in_words, part.overrides), part.message or part.state])
    return f"{part.workloads[0]}: {said}" if part.workloads else said


def _deciding(parts: Sequence[Answer]) -> Answer:
    """The part that stands for all. FAILED is the worst there is: nothing that is still to come can change it."""
    failed = next((part for part in parts if part.verdict is Verdict.FAILED), None)
    if failed is not None:
        return failed
    undecided = [part for part in parts if part.verdict is None]
    if undecided:
        return next((part for part in undecided if part.state is State.PENDING), undecided[0])
    worst = Verdict.worst(part.verdict for part in parts if part.verdict is not None)
    return next(part for part in parts if part.verdict is worst)
