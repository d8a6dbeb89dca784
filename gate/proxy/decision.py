"""The decision: what happens to one request is H(seed, proxy, identity), and nothing that happened before matters.

So it is the same in any order of arrival, in any number of processes, and after a restart. Two things are not drawn:
`transient` counts arrivals, and `outage` and `ramp` look at the clock. Both come as arguments.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from gate.model import draw
from gate.proxy.behaviours import Behaviour, Dummy, Outage, Ramp, Refuse, Transient
from gate.proxy.forms import WHOLE
from gate.proxy.mix import Fault
from gate.proxy.spec import Request, Spec

LONGEST = 256
"""Characters that an identity may have."""

Turn = Callable[[str], int]
"""The name of a fault -> which one this request is, from 1, of those that it has picked."""


class Seeded(Protocol):
    """What of a snapshot decides besides the proxy."""

    @property
    def seed(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One behaviour that strikes, the name of the fault that it is of, and since when that is in force."""

    fault: str
    does: Behaviour
    since: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What happens to one request; no acts means that nothing does."""

    identity: str
    acts: tuple[Act, ...] = ()


def decide(spec: Spec, seed: str, identity: str, request: Request | None = None, *, now: float, turn: Turn) -> Decision:
    """Of the first rule that is about the request, the one fault whose place the request's point is in; and each of the
    independent faults for which it is drawn.
    """
    acts = []
    rule = next((each for each in spec.rules if each.about(request)), None)
    found = rule and rule.mix.at(point(seed, spec.name, identity))
    if found:
        fault, into = found
        acts.append(_act(fault, into, now, turn))
    for fault in spec.faults:
        into = point(seed, f"{spec.name}/{fault.name}", identity)
        if into < fault.share:
            acts.append(_act(fault, into, now, turn))
    return Decision(identity=identity, acts=tuple(act for act in acts if not isinstance(act.does, Dummy | Refuse)))


def short(identity: str) -> str:
    """The identity as it is, or the hash of one that is too long to be kept by the thousand."""
    if len(identity) <= LONGEST:
        return identity
    return f"sha256:{hashlib.sha256(identity.encode()).hexdigest()}"


def point(seed: str, what: str, identity: str) -> int:
    """Where a request stands on the line, in millionths."""
    return int(draw(seed, what, identity) * WHOLE)


def _act(fault: Fault, into: int, now: float, turn: Turn) -> Act:
    return Act(fault=fault.name, does=_in_force(fault, into, now - fault.since, turn), since=fault.since)


def _in_force(fault: Fault, into: int, age: float, turn: Turn) -> Behaviour:
    match fault.does:
        case Transient(first=first, by=by):
            return by if turn(fault.name) <= first else Dummy()
        case Outage(every=every, bad=bad, by=by):
            return by if age % every.total_seconds() < bad.total_seconds() else Dummy()
        case Ramp(over=over, by=by):
            return by if into < fault.share * min(1.0, age / over.total_seconds()) else Dummy()
        case other:
            return other
