"""Which workloads a question is about, as catalogue and gates say it, and what may be about it, unseen. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from gate.model import Commit, Gate, Subscription, WorkloadName
from gate.web.answer import Answer, Question, Selecting, State, Unreadable


def asked_for(
    question: Question, gates: Sequence[Gate], subscriptions: Sequence[Subscription], unread: Collection[WorkloadName]
) -> dict[WorkloadName, set[str]]:
    """The workloads in question, each with the subscriptions that make it so.

    A gate that knows of subscriptions counts beside the catalogue: a document that has become unreadable must not turn
    its workload into one that nobody subscribed, which some pipelines let pass. Where all of them can be read and one
    names the project, they have decided already whether it is asked for, perhaps only in another environment.
    """
    found: dict[WorkloadName, set[str]] = {}
    for subscription in subscriptions:
        if question.workload in {None, subscription.workload} and is_about(subscription, question):
            found.setdefault(subscription.workload, set()).add(subscription.name)
    anywhere = replace(question, environment="")
    decided = {each.workload for each in subscriptions if is_about(each, anywhere)}.difference(unread)
    whose = _names_of_project(question, gates)
    for gate in gates:
        name = gate.workload.name
        if question.workload is None:
            asked = is_asked(question, gate.status.commit) or (
                name in unread and not whose.isdisjoint(projects_of(gate))
            )
        else:
            asked = name == question.workload
        if asked and gate.status.subscriptions and name not in decided:
            found.setdefault(name, set())
    return found


def _names_of_project(question: Question, gates: Sequence[Gate]) -> set[str]:
    """The path that is asked for, and the number by which the gates at the commit in question may know the project."""
    at_it = (gate.status.commit for gate in gates if is_asked(question, gate.status.commit))
    return {question.project.lower(), *(commit.project.lower() for commit in at_it if commit)}


def projects_of(gate: Gate) -> set[str]:
    """The projects whose commits the workload has, or has had."""
    commits = [gate.status.commit, *(each.commit for each in gate.status.announcements)]
    return {commit.project.lower() for commit in commits if commit}


def is_about(subscription: Subscription, question: Question) -> bool:
    """Project and environment are those in question, as far as it names them."""
    return (not question.project or subscription.project.lower() == question.project.lower()) and (
        not question.environment or subscription.environment == question.environment
    )


def is_asked(question: Question, commit: Commit | None) -> bool:
    """Whether this is the commit in question. What the question leaves open does not matter, the rest must agree."""
    return (
        commit is not None
        and commit.sha.lower() == question.sha.lower()
        and (question.pipeline is None or commit.pipeline == question.pipeline)
        and (not question.project or commit.project.isdecimal() or commit.project.lower() == question.project.lower())
    )


def not_all_of(selecting: Selecting, found: set[str]) -> Answer | None:
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


def not_there_yet(workload: WorkloadName, selecting: Sequence[Selecting]) -> list[Answer]:
    """Of a workload that is not there nobody knows its labels."""
    selectors = ((each.selection.pattern.name, each.selection.selector) for each in selecting)
    names = [name for name, each in selectors if each.kind is workload.kind and each.is_about(workload.namespace)]
    if not names:
        return []
    message = f"there is no such workload; if it comes, {', '.join(names)} may select it"
    return [Answer(state=State.UNSEEN, message=message, workloads=(str(workload),))]


def may_be_about(document: Unreadable, question: Question, known: Collection[WorkloadName], *, alone: bool) -> bool:
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


def not_read(document: Unreadable) -> Answer:
    message = f"a subscription that cannot be read may be about it: {document.why}"
    workloads = (str(document.workload),) if document.workload else ()
    return Answer(state=State.UNSEEN, message=message, workloads=workloads)


def perhaps_not_read(part: Answer, workload: WorkloadName, unreadable: Sequence[Unreadable]) -> Answer:
    """The answer of a gate that knows of a subscription that cannot be read, with what has to be mended there."""
    if part.state is not State.UNSEEN:
        return part
    perhaps = (each for each in unreadable if each.workload == workload or not (each.workload or each.project))
    why = [not_read(each).message for each in perhaps]
    return replace(part, message="; ".join([part.message, *why]))


def unsubscribed(question: Question, subscriptions: Sequence[Subscription]) -> str:
    anywhere = replace(question, environment="")
    about = [each for each in subscriptions if question.workload in {None, each.workload} and is_about(each, anywhere)]
    there = f"; there are subscriptions in {', '.join(sorted({each.environment for each in about}))}" if about else ""
    return f"no subscription names {_what(question)}{there}"


def _what(question: Question) -> str:
    parts = [str(question.workload)] if question.workload is not None else []
    if question.project:
        parts.append(f"the project {question.project}")
    what = " and ".join(parts) or "anything"
    return f"{what} in {question.environment}" if question.environment else what
