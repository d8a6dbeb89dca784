"""What a job may ask for: only what its own project has subscribed."""

from collections.abc import Sequence
from dataclasses import replace

from gate.errors import Denied
from gate.model import Gate, Subscription
from gate.web.answer import Unreadable
from gate.web.asked import Asked


def bearer(authorization: str) -> str:
    """The token of an `Authorization` header; empty if there is none."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def own(
    what: Asked,
    project: str,
    *,
    subscriptions: Sequence[Subscription],
    gates: Sequence[Gate],
    unreadable: Sequence[Unreadable] = (),
) -> Asked:
    """The question, about that project alone; `Denied` if it is about another one."""
    question = what.question
    if question.project and question.project.lower() != project.lower():
        raise Denied(f"a job of {project} asks for {question.project}; a job may ask only for its own project")
    if question.workload is not None:
        of = {each.project.lower() for each in subscriptions if each.workload == question.workload}
        of |= {each.project.lower() for each in unreadable if each.workload == question.workload}
        # A gate without a document that can be read: nobody can tell whose it is.
        known = any(gate.workload.name == question.workload and gate.status.subscriptions for gate in gates)
        if (of or known) and project.lower() not in of:
            raise Denied(f"{question.workload} is not subscribed by {project}; a job may ask only for its own project")
    return replace(what, question=replace(question, project=project))
