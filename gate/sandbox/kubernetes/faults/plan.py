"""Rules for faults and the decisions that follow from them: the same seed and the same requests, the same faults.

Each rule draws by itself, from the seed, its own name and how many requests have matched it so far. So a rule that is
added, removed or moved changes nothing about the faults that the others cause.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from itertools import count
from typing import TypeAlias

from gate.model import draw
from gate.sandbox.kubernetes.access.attributes import attributes
from gate.sandbox.kubernetes.faults.port import EventFault, EventFaults, Fault
from gate.sandbox.kubernetes.language.objects import Object, lookup
from gate.sandbox.kubernetes.registry.routes import Request


class Verb(StrEnum):
    """What a request asks, in the words of Kubernetes."""

    GET = "get"
    LIST = "list"
    WATCH = "watch"
    CREATE = "create"
    UPDATE = "update"
    PATCH = "patch"
    DELETE = "delete"
    DELETE_COLLECTION = "deletecollection"


Patterns: TypeAlias = tuple[str, ...]
"""Names, also with `*` and `?`. Nothing: all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What happens to which requests, or to which events of which watches."""

    name: str
    verbs: tuple[Verb, ...] = ()
    resources: Patterns = ()
    """Plural names such as `pods` and `pods/log`, or with their group: `deployments.apps`."""
    namespaces: Patterns = ()
    """Of the request; of a fault of events, those of the objects."""
    names: Patterns = ()
    users: Patterns = ()
    share: float = 1.0
    """Of those that match."""
    times: int | None = None
    """At most so often; None: without end."""
    fault: Fault | EventFault

    def takes(self, asked: "Asked") -> bool:
        """Whether the rule is about the request (and, if it is one about events, about the watch)."""
        of_events = isinstance(self.fault, EventFault)
        if of_events and asked.verb is not Verb.WATCH:
            return False
        return (
            (not self.verbs or asked.verb in self.verbs)
            and any(_fits(word, self.resources) for word in asked.words)
            and _fits(asked.user, self.users)
            and (of_events or self._takes_object(asked.namespace, asked.name))
        )

    def takes_event(self, changed: Object) -> bool:
        return self._takes_object(lookup(changed, "metadata.namespace", ""), lookup(changed, "metadata.name", ""))

    def _takes_object(self, namespace: str, name: str) -> bool:
        return _fits(namespace, self.namespaces) and _fits(name, self.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request is about, in the words of roles: rules match also what is not there."""

    verb: Verb
    resource: str
    group: str
    namespace: str
    name: str
    user: str

    @classmethod
    def of(cls, request: Request) -> "Asked | None":
        """None for what is about no resource (discovery, schemas, health) or is no verb of one."""
        wanted = attributes(request)
        if not wanted.resource or wanted.verb not in set(Verb):
            return None
        return cls(
            verb=Verb(wanted.verb),
            resource=wanted.qualified,
            group=wanted.group,
            namespace=wanted.namespace,
            name=wanted.name,
            user=request.user.name,
        )

    @property
    def words(self) -> tuple[str, ...]:
        """The ways in which a rule may name the resource."""
        if not self.group:
            return (self.resource,)
        plural, slash, subresource = self.resource.partition("/")
        return self.resource, f"{plural}.{self.group}{slash}{subresource}"


class Plan:
    """Rules at work: a `Faults`. A request that several rules hit waits for all of them, and the first one answers."""

    def __init__(self, rules: Sequence[Rule], *, seed: str = "") -> None:
        """ValueError for two rules of one name: their draws would be the same."""
        self._drawing = [_Drawing(rule, seed) for rule in rules]
        if len({rule.name for rule in rules}) < len(rules):
            raise ValueError("two rules have the same name")

    @property
    def struck(self) -> Mapping[str, int]:
        """Rule -> how often it has struck."""
        return {each.rule.name: each.struck for each in self._drawing}

    def __call__(self, request: Request) -> Fault | None:
        asked = Asked.of(request)
        if asked is None:
            return None
        faults: list[Fault] = []
        watched: list[tuple[_Drawing, int]] = []
        for drawing in self._drawing:
            if not drawing.rule.takes(asked):
                continue
            ordinal = next(drawing.ordinals)
            if isinstance(drawing.rule.fault, EventFault):
                watched.append((drawing, ordinal))
            elif drawing.strikes(str(ordinal)):
                faults.append(drawing.rule.fault)
        if not faults and not watched:
            return None
        answer = next((fault for fault in faults if fault.answers), Fault())
        return Fault(
            delay=sum(fault.delay for fault in faults),
            status=answer.status,
            retry_after=answer.retry_after,
            cut=answer.cut,
            when=answer.when,
            events=_events(watched) if watched else None,
        )


class _Drawing:
    """A rule with what it has to remember."""

    def __init__(self, rule: Rule, seed: str) -> None:
        self.rule = rule
        self.struck = 0
        self.ordinals = count()
        self._seed = seed
        self._counting = threading.Lock()

    def strikes(self, who: str) -> bool:
        if draw(self._seed, self.rule.name, who) >= self.rule.share:
            return False
        with self._counting:
            if self.rule.times is not None and self.struck >= self.rule.times:
                return False
            self.struck += 1
        return True


def _events(watched: Sequence[tuple[_Drawing, int]]) -> EventFaults:
    """What happens to the events of one watch, which is the so-many-th that matched each of the rules."""
    ordinals = [count() for _ in watched]

    def decide(changed: Object) -> EventFault | None:
        chosen: EventFault | None = None
        for (drawing, watch), events in zip(watched, ordinals, strict=True):
            if not drawing.rule.takes_event(changed):
                continue
            struck = drawing.strikes(f"{watch}/{next(events)}")
            if struck and chosen is None and isinstance(drawing.rule.fault, EventFault):
                chosen = drawing.rule.fault
        return chosen

    return decide


def _fits(word: str, patterns: Patterns) -> bool:
    return not patterns or any(fnmatchcase(word, pattern) for pattern in patterns)
