"""What the policy is asked, and how it answers: facts in, the words of every rule that spoke out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from gate.model import WorkloadName


class Word(StrEnum):
    """What a rule says."""

    ALLOW = "allow"
    WAIT = "wait"
    """Not now; later it may be otherwise."""
    DENY = "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """One rule's word on one question."""

    rule: str
    """Its place in the document, such as `spec.blastRadius[0]`."""
    word: Word
    why: str
    place: str
    """File and line, or what stands for them where there is no file."""

    def __str__(self) -> str:
        return f"{self.why} ({self.place}: {self.rule})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Every rule that spoke. It is a yes only if there is one at least, and none of them is against it."""

    rulings: tuple[Ruling, ...]

    @property
    def word(self) -> Word:
        """The strictest of all; where nobody says anything, nobody has allowed it."""
        order = list(Word)
        return max((each.word for each in self.rulings), key=order.index, default=Word.DENY)

    @property
    def allowed(self) -> bool:
        return self.word is Word.ALLOW

    @property
    def against(self) -> Sequence[Ruling]:
        """The rules that keep it from being done now."""
        return [each for each in self.rulings if each.word is not Word.ALLOW]

    @property
    def denied(self) -> Sequence[Ruling]:
        """Those of them that no time changes."""
        return [each for each in self.rulings if each.word is Word.DENY]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How much a step would hit, as the cluster says."""

    pods: int
    """A target that is neither a pod nor a node stands for all pods of its workload."""
    ready: int
    """Pods of the workload that are ready before."""
    nodes: tuple[str, ...] = ()
    """Nodes that are themselves hit."""
    zones: tuple[str, ...] = ()
    """Of the pods and nodes that are hit, as far as they are known."""

    @property
    def percent(self) -> float:
        return 100 * self.pods / self.ready if self.ready else 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """A time in which nothing may be done."""

    start: datetime
    end: datetime
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """May this be done? What is None is not known, and rules that are about it do not speak."""

    at: datetime
    fault: str
    namespace: str
    opted_in: bool | None = None
    """Whether the namespace bears the label with which it opts in."""
    workload: WorkloadName | None = None
    owners: tuple[str, ...] | None = None
    """The documents of the catalogue that ask for it. None where no subscription does: for a run by hand."""
    team: str = ""
    """Instead of documents: in whose name it is asked."""
    account: str | None = None
    """The service account that would do it."""
    accounts: tuple[str, ...] = ()
    """Those as which things of its documents speak to the API."""
    reach: Reach | None = None
    hold: timedelta | None = None
    images: tuple[str, ...] = ()
    """Those that its documents name."""
    privileged: tuple[str, ...] = ()
    """Those of them that would run privileged."""
    alerts: frozenset[str] = frozenset()
    """Those that fire."""
    silent: frozenset[str] = frozenset()
    """Addresses that did not say which alerts fire."""
    freezes: tuple[Freeze, ...] = ()
    """Those of GitLab that are on."""
    unheard: tuple[str, ...] = ()
    """Why it is not known of some project in GitLab whether it is frozen."""
    before: datetime | None = field(default=None)
    """When the workload's last run ended."""
    workflow: str = ""
    """The name of that which would be played."""
    passed: Mapping[str, datetime] | None = None
    """When the workload last passed each workflow."""
