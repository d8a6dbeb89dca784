"""Several workloads, one production: it opens when every gate that asks for it is open, as `wait --project` says.

The answer to a pipeline that waits, and what the gate itself does with production, must not differ. So both are made by
the same fold, here with those subscriptions alone that ask for the very same thing.
"""

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from gate.gitlab.promotion.agreed import Agreed
from gate.model import Gate, Promote, Promotion, Stance, Subscription, WorkloadName, fingerprint
from gate.tracking.overrides import standing
from gate.web.answer import Answer, Question, Selecting, State, Unreadable
from gate.web.answering import Knowledge
from gate.web.in_question import projects_of

UNSEEN_FOR = timedelta(minutes=5)
"""So long may the pipeline take from one workload to the next, before a person hears that one was not deployed."""
REMEDY = (
    "let one pipeline deploy every workload that names this `promote`, "
    "or give those that are deployed by themselves a project or a job of their own"
)

Target = tuple[str, ...]


class Views(Protocol):
    """What is known, as it is shown to pipelines that wait."""

    def gates(self) -> Sequence[Gate]: ...
    def subscriptions(self) -> Sequence[Subscription] | None: ...
    def selecting(self) -> Sequence[Selecting]: ...
    def unreadable(self) -> Sequence[Unreadable]: ...
    def judges(self, namespace: str) -> bool: ...


class Compared:
    """Whom this replica has compared since it began to lead. What a gate said before that may be over. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._term = 0
        self._names: set[WorkloadName] = set()

    @property
    def term(self) -> int:
        return self._term

    def begin(self) -> None:
        """Another term: nobody has been compared in it yet."""
        with self._lock:
            self._term += 1
            self._names = set()

    def add(self, name: WorkloadName, term: int) -> None:
        """A comparison is over that was begun in that term."""
        with self._lock:
            if term == self._term:
                self._names.add(name)

    def __contains__(self, name: WorkloadName) -> bool:
        with self._lock:
            return name in self._names


class Agreeing:
    """Asks all the gates of a production. It is not told what they say until each was compared in this term."""

    def __init__(
        self,
        views: Views,
        compared: Compared,
        *,
        may_decide: Callable[[], bool],
        anew: Callable[[], Sequence[Gate]],
        now: Callable[[], datetime],
    ) -> None:
        """`anew` reads the gates from the cluster itself, which a copy of them may lag behind."""
        self._views, self._compared, self._may_decide, self._anew, self._now = views, compared, may_decide, anew, now

    def __call__(self, gate: Gate, *, anew: bool = False) -> Agreed | None:
        """None while nobody knows. Raises `GateError` if the gates cannot be read."""
        if not self._may_decide() or gate.workload.name not in self._compared:
            return None
        gates = self._anew() if anew else self._views.gates()
        asked = next((each for each in gates if each.uid == gate.uid), None)
        own, subscriptions = asked.status.promotion if asked else None, self._views.subscriptions()
        if own is None or subscriptions is None:
            return None
        asking = [each for each in subscriptions if each.promote and _target(each.promote, each.project) == _of(own)]
        workloads = {each.workload for each in asking}
        known = {each.name for each in subscriptions}
        about = [each for each in gates if each.workload.name in workloads or _is_about(each, own, known)]
        members = [each for each in about if each.status.promotion and _same_commit(each.status.promotion, own)]
        unsure = [each for each in about if each.workload.name not in self._compared and self._judges(each)]
        if unsure or any(each.workload.name not in workloads for each in members):
            return None  # a comparison is under way, or will be in a moment
        said = Knowledge(
            gates=about,
            subscriptions=asking,
            selecting=[each for each in self._views.selecting() if _selects_for(each, own)],
            unreadable=[_placed(each, gates, own.commit.project) for each in self._views.unreadable()],
            readable=known,
            judges=self._views.judges,
            stands=lambda each, version: standing(each.overrides, version, self._now()),
        ).answer(Question(project=own.commit.project, sha=own.commit.sha, pipeline=own.commit.pipeline))
        wanted = _together(own, [each.status.promotion for each in members if each.status.promotion], said)
        held = own.stance is Stance.OPEN and wanted.stance is not Stance.OPEN
        late = asked and asked.status.since and self._now() - asked.status.since >= UNSEEN_FOR
        told = held and late and said.state in {State.UNSEEN, State.UNSUBSCRIBED}
        return Agreed(
            wanted=wanted,
            keeper=min(members, key=lambda each: (each.namespace, each.name)),
            environments=frozenset(each.environment for each in asking),
            held=held,
            why=f"production stays shut: {said.message}; {REMEDY}" if told else "",
        )

    def _judges(self, gate: Gate) -> bool:
        """Those of others nobody compares here, and the answer says that they are others'."""
        return self._views.judges(gate.namespace)


def _is_about(gate: Gate, own: Promotion, known: Collection[str]) -> bool:
    """It asks for the same, or the document that says what it asks for is one that cannot be read just now."""
    wanted = gate.status.promotion
    return _of(wanted) == _of(own) if wanted else not set(gate.status.subscriptions) <= set(known)


def _placed(document: Unreadable, gates: Sequence[Gate], project: str) -> Unreadable:
    """A document that says no project any more is of the one whose commits its workload has had."""
    had = (each for gate in gates if gate.workload.name == document.workload for each in projects_of(gate))
    return replace(document, project=project) if not document.project and project.lower() in had else document


def _together(own: Promotion, members: Sequence[Promotion], said: Answer) -> Promotion:
    """Worst of: open only where every member is, and the answer to a pipeline is that it may go on."""
    stance = Stance.AWAIT
    if said.lets_through and all(each.stance is Stance.OPEN for each in members):
        stance = Stance.OPEN
    elif said.state is State.CLOSED and not said.lets_through:
        stance = Stance.SHUT
    if len(said.workloads) < 2:
        return replace(own, stance=stance)
    return replace(
        own,
        stance=stance,
        verdict=said.verdict,
        message=said.message,
        version=said.version,
        number=fingerprint(*sorted(each.number for each in members)),
    )


def _of(wanted: Promotion) -> Target:
    return _target(wanted.promote, wanted.commit.project)


def _target(promote: Promote, project: str) -> Target:
    """What is opened. Two that differ in what becomes of a version that failed still open the same."""
    where = (promote.project or project).lower()
    return promote.way, promote.name, promote.environment, where, project.lower()


def _same_commit(one: Promotion, other: Promotion) -> bool:
    a, b = one.commit, other.commit
    return _of(one) == _of(other) and (a.sha.lower(), a.pipeline) == (b.sha.lower(), b.pipeline)


def _selects_for(selecting: Selecting, own: Promotion) -> bool:
    pattern = selecting.selection.pattern
    return pattern.promote is not None and _target(pattern.promote, pattern.project) == _of(own)
