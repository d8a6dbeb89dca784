"""Which of the requests 1..n a proxy would hit, without sending one."""

from collections import Counter
from collections.abc import Iterable, Iterator

from gate.proxy.decision import Decision, Turn, decide, short
from gate.proxy.spec import Protocol, Request, Spec


def identities(spec: Spec, count: int) -> Iterator[str]:
    """What the first requests are called that have no name of their own: connections as they come, with one request on
    each.
    """
    return (str(n) if spec.protocol is Protocol.TCP else f"{n}.1" for n in range(1, count + 1))


def explain(spec: Spec, seed: str, names: Iterable[str], request: Request | None, *, age: float) -> Iterator[Decision]:
    """The decision for each, in the order given, `age` seconds after the faults came into force."""
    taken: Counter[str] = Counter()
    return (decide(spec, seed, short(name), request, now=age, turn=counting(taken)) for name in names)


def counting(taken: Counter[str]) -> Turn:
    """Turns that are counted there."""

    def turn(fault: str) -> int:
        taken[fault] += 1
        return taken[fault]

    return turn
