"""One proxy as it lives: its socket, its links, its counters. It decides; what happens on a link is the link's."""

import asyncio
import socket
from collections import Counter
from itertools import count
from typing import Protocol

from gate.model import draw
from gate.proxy.counters import Counters, DecisionLog, Ending
from gate.proxy.decision import Act, Decision, decide
from gate.proxy.spec import Request, Spec


class Link(Protocol):
    """A connection of a client, with what belongs to it."""

    def adopt(self) -> None:
        """Decide again, and heal or end what has changed, now."""
        ...

    def drop(self, ending: Ending) -> None:
        """End with a RST, now, whatever is on the way."""
        ...


class LiveProxy:
    """What a proxy has beside its spec. The spec is replaced whole, by the one thread there is."""

    def __init__(self, spec: Spec, seed: str, generation: int, log: DecisionLog) -> None:
        self.spec, self.seed, self.generation = spec, seed, generation
        self.loop = asyncio.get_running_loop()
        self.counters = Counters()
        self.latest: float | None = None
        """When the last connection came, by the clock of the loop."""
        self.links: set[Link] = set()
        self.socket: socket.socket | None = None
        self.server: asyncio.Server | None = None
        self._log = log
        self._ordinals = count(1)
        self._taken: Counter[tuple[str, float]] = Counter()

    def joined(self, link: Link) -> int:
        """A link has come: its number, from 1."""
        self.links.add(link)
        self.counters.connections += 1
        self.latest = self.loop.time()
        self.counters.live += 1
        return next(self._ordinals)

    def left(self, ending: Ending) -> None:
        """A link has ended; what it still has to say may be on the way."""
        self.counters.live -= 1
        self.counters.endings[ending] += 1

    def gone(self, link: Link) -> None:
        """Nothing is left of a link."""
        self.links.discard(link)

    def turn(self, fault: str) -> int:
        """One more that the fault has picked, since it came into force."""
        since = next((each.since for each in self.spec.everything() if each.name == fault), 0.0)
        self._taken[fault, since] += 1
        return self._taken[fault, since]

    def case(self, identity: str, request: Request | None = None) -> "Case":
        """A request that has come, decided, counted and written down."""
        self.counters.seen += 1
        case = Case(self, identity, request)
        if not case.decision.acts:
            self.counters.clean += 1
        return case

    def note(self, decision: Decision) -> None:
        """Write a decision down."""
        self._log.add(self.spec.name, self.generation, decision)


class Case:
    """One request and what is decided about it, as often as that has to be asked."""

    def __init__(self, proxy: LiveProxy, identity: str, request: Request | None) -> None:
        self._proxy, self._identity, self._request = proxy, identity, request
        self._turns: dict[str, int] = {}
        self._picked: set[tuple[str, float]] = set()
        self._struck: set[tuple[str, float]] = set()
        self.decision = Decision(identity=identity)
        self._decide()
        proxy.note(self.decision)

    def draw(self, what: str) -> float:
        """A number in [0, 1) for anything about this request that has to be chosen."""
        return draw(self._proxy.seed, f"{self._proxy.spec.name}/{what}", self._identity)

    def again(self) -> bool:
        """Decide once more; whether the answer is another one."""
        before = self.decision.acts
        self._decide()
        if self.decision.acts == before:
            return False
        self._proxy.note(self.decision)
        return True

    def _decide(self) -> None:
        proxy = self._proxy
        self.decision = decide(
            proxy.spec, proxy.seed, self._identity, self._request, now=proxy.loop.time(), turn=self._turn
        )
        for act in self.decision.acts:
            _count(act, self._picked, proxy.counters.picked)

    def strike(self, act: Act) -> None:
        """The act has an effect; it counts once for each time that its fault came into force."""
        _count(act, self._struck, self._proxy.counters.affected)

    def _turn(self, fault: str) -> int:
        """A request keeps the turn that it had."""
        if fault not in self._turns:
            self._turns[fault] = self._proxy.turn(fault)
        return self._turns[fault]


def _count(act: Act, known: set[tuple[str, float]], counter: Counter[str]) -> None:
    if (act.fault, act.since) not in known:
        known.add((act.fault, act.since))
        counter[act.fault] += 1
