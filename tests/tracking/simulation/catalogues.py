"""The catalogues of the simulation: real documents, read once each."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from random import Random

from gate.documents.catalogue import Catalogue
from gate.documents.loading import Loaded, load
from gate.model import OnRollback, OnSubscribe, fingerprint
from tests.documents.vocabularies import WORDS

WORKFLOWS = ("loss", "outage")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What one subscription of the workload says."""

    name: str
    workflows: tuple[str, ...] = ("loss",)
    settle: int = 0
    on_subscribe: OnSubscribe = OnSubscribe.RECORD
    on_rollback: OnRollback = OnRollback.REUSE
    broken: bool = False
    selects: bool = False
    """By labels instead of by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """All documents at one revision."""

    wishes: tuple[Wish, ...]
    hold: int = 3
    """Of the steps of all workflows: to change it is to change the workflows."""

    @property
    def revision(self) -> str:
        return fingerprint(str(self))

    @property
    def is_broken(self) -> bool:
        return any(wish.broken for wish in self.wishes)

    @property
    def workflows(self) -> set[str]:
        return {name for wish in self.wishes for name in wish.workflows}

    def catalogue(self, fetched: datetime) -> Catalogue:
        parts = [_subscription(wish) for wish in self.wishes] + [_workflow(name, self.hold) for name in WORKFLOWS]
        loaded = Loaded.together(parts)
        return Catalogue(revision=self.revision, fetched=fetched, loaded=loaded, vocabulary=WORDS)

    def changed(self, random: Random) -> "Folder":
        """A commit to the catalogue."""
        names = {wish.name for wish in self.wishes}
        what = random.choice(("hold", "workflows", "add", "remove", "break", "settle"))
        if what == "hold" or not self.wishes:
            return replace(self, hold=self.hold + 1)
        if what == "add" and len(names) < 2:
            name = "second" if "checkout" in names else "checkout"
            return replace(self, wishes=(*self.wishes, wish(name, random)))
        index = random.randrange(len(self.wishes))
        chosen = self.wishes[index]
        if what == "remove":
            return replace(self, wishes=self.wishes[:index] + self.wishes[index + 1 :])
        other = {
            "workflows": replace(chosen, workflows=some_workflows(random)),
            "break": replace(chosen, broken=not chosen.broken),
        }.get(what, replace(chosen, settle=random.choice((0, 1, 5))))
        return replace(self, wishes=(*self.wishes[:index], other, *self.wishes[index + 1 :]))

    def mended(self) -> "Folder":
        """Every document can be read, no two contradict each other, and the workload is subscribed."""
        first = next(iter(self.wishes), Wish(name="checkout"))
        agreed = {"on_subscribe": first.on_subscribe, "on_rollback": first.on_rollback, "broken": False}
        return replace(self, wishes=tuple(replace(each, **agreed) for each in self.wishes or (first,)))


def wish(name: str, random: Random) -> Wish:
    return Wish(
        name=name,
        workflows=some_workflows(random),
        settle=random.choice((0, 0, 1, 5)),
        on_subscribe=random.choice((OnSubscribe.RECORD, OnSubscribe.RECORD, OnSubscribe.RUN)),
        on_rollback=random.choice((OnRollback.REUSE, OnRollback.REUSE, OnRollback.RUN)),
        selects=random.random() < 0.2,
    )


def some_workflows(random: Random) -> tuple[str, ...]:
    return random.choice((("loss",), ("outage",), ("loss", "outage")))


@cache
def _subscription(wish: Wish) -> Loaded:
    about = (
        "{kind: Deployment, namespaces: ['sh*'], selector: {matchLabels: {app: checkout}}}"
        if wish.selects
        else "{kind: Deployment, namespace: shop, name: checkout}"
    )
    text = f"""
apiVersion: chaosgate.dev/v1alpha1
kind: Subscription
metadata: {{name: {wish.name}}}
spec:
  workload: {about}
  environment: staging
  workflows: [{", ".join(f"{{name: {'no-such' if wish.broken else ''}{name}}}" for name in wish.workflows)}]
  settle: {wish.settle}s
  deadline: 30m
  onSubscribe: {wish.on_subscribe}
  onRollback: {wish.on_rollback}
  gitlab: {{project: shop/checkout}}
"""
    return _sound(text)


@cache
def _workflow(name: str, hold: int) -> Loaded:
    text = f"""
apiVersion: chaosgate.dev/v1alpha1
kind: Workflow
metadata: {{name: {name}}}
spec:
  baseline: 1s
  steadyState:
    - name: it answers
      http: {{url: "http://checkout.shop/"}}
      every: 100ms
      expect: {{status: 200}}
  steps:
    - {{name: one, fault: pod-kill, with: {{count: 1}}, hold: {hold}s, recover: 1s}}
"""
    return _sound(text)


def _sound(text: str) -> Loaded:
    loaded = load(text.encode(), "catalogue.yaml", WORDS)
    assert not loaded.broken, loaded.problems
    return loaded
