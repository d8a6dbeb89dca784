"""What the gate shows of itself: its pages, its answers to pipelines and its health are made from these looks."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from gate.catalogue.subscribed import Subscribed
from gate.gitlab.expiry import TokenState
from gate.model import Gate, PromotedState, Run, Selection, Stance, Subscription, WorkloadName
from gate.running.outstanding import in_words
from gate.running.ports import Clock
from gate.tracking.leading import Leading
from gate.web.answer import Selecting, Unreadable
from gate.web.changes import Changes
from gate.web.views import Readiness, Token, Watch
from gate.wire.copies import Copies
from gate.wire.fetching import Fetching
from gate.wire.gitlabs import GitLabs
from gate.wire.hearing import Hearing


class Shown:
    """The views of one gate process."""

    def __init__(
        self,
        copies: Copies,
        subscribed: Subscribed,
        changes: Changes,
        fetching: Fetching,
        leading: Leading,
        *,
        gitlabs: GitLabs | None,
        hearing: Hearing | None = None,
        policy_problem: Callable[[], str] = lambda: "",
        overdue: Callable[[Sequence[Gate]], Sequence[str]] = lambda _: (),
        clock: Clock,
    ) -> None:
        self._copies, self._subscribed, self._changes, self._fetching = copies, subscribed, changes, fetching
        self._leading, self._gitlabs, self._clock = leading, gitlabs, clock
        self._hearing, self._policy_problem, self._overdue = hearing, policy_problem, overdue

    def gates(self) -> Sequence[Gate]:
        return self._copies.gates()

    def runs(self) -> Sequence[Run]:
        return self._copies.runs()

    def subscriptions(self) -> Sequence[Subscription] | None:
        if not all(mirror.filled for mirror in self._copies.mirrors):
            return None
        return self._subscribed.applied(self._copies.workloads())

    def selecting(self) -> Sequence[Selecting]:
        return [
            Selecting(selection=each, beyond=self._subscribed.reaches_beyond(each))
            for each in self._subscribed.selections()
        ]

    def unreadable(self) -> Sequence[Unreadable]:
        catalogue = self._subscribed.catalogue
        return [
            Unreadable(why="; ".join(map(str, each.problems)), workload=each.workload, project=each.project)
            for each in (catalogue.broken_subscriptions if catalogue else ())
        ]

    def is_there(self, name: WorkloadName) -> bool:
        return self._copies.is_there(name)

    def judges(self, namespace: str) -> bool:
        return self._subscribed.judges(namespace)

    def changed(self, since: int, timeout: float) -> int:
        return self._changes.changed(since, timeout)

    def watches(self) -> Sequence[Watch]:
        return [
            Watch(resource=mirror.resource, namespace=mirror.namespace, lists=mirror.lists, lag=mirror.lag)
            for mirror in self._copies.mirrors
        ]

    def readiness(self) -> Readiness:
        mirrors, catalogue = self._copies.mirrors, self._subscribed.catalogue
        refused = sorted({gate.reported for gate in self.gates() if gate.reported})
        tokens = [_token(each) for each in self._gitlabs.tokens] if self._gitlabs else []
        problems = {
            "gitlab tokens": "; ".join(each.problem for each in tokens if each.problem),
            "promotions": "; ".join(sorted(set(filter(None, map(_unpromoted, self.gates()))))),
            "leader": self._leading.problem,
            "catalogue": self._fetching.problem,
            "policy": self._policy_problem(),
            "mandatory": "; ".join(self._overdue(self.gates())),
            "watch": "; ".join(mirror.problem for mirror in mirrors if mirror.problem),
            "documents": "; ".join(str(each) for each in catalogue.linked.problems) if catalogue else "",
            "workloads": "; ".join(self._absent()),
            "reverts": "; ".join(
                f"{run.namespace}/{run.name}: {left}" for run in self.runs() if (left := in_words(run))
            ),
        }
        return Readiness(
            ready=catalogue is not None and all(mirror.synced.is_set() for mirror in mirrors),
            revision=self._subscribed.revision,
            not_taken=[each.revision for each in catalogue.not_taken] if catalogue else [],
            catalogue_age=self._catalogue_age(),
            watch_lag=max((lag for mirror in mirrors if (lag := mirror.lag)), default=None),
            gitlab="; ".join(refused) or ("ok" if self._gitlabs else "not configured"),
            tokens=tokens,
            webhooks=self._hearing.counts if self._hearing else {},
            leads=self._leading.leads(),
            leader=self._leading.leader,
            problems={name: text for name, text in problems.items() if text},
            outside=[_in_words(each) for each in self._subscribed.outside()],
        )

    def _catalogue_age(self) -> timedelta | None:
        fetched = self._fetching.fetched
        return self._clock.now() - fetched if fetched else None

    def _absent(self) -> list[str]:
        """Subscriptions to what is not there: shown, because a misspelt name would otherwise never be noticed."""
        present, catalogue = {name for name, _ in self._copies.workloads()}, self._subscribed.catalogue
        return [
            f"{_in_words(each)}, which is not in the cluster"
            for each in (catalogue.loaded.subscriptions if catalogue else ())  # a selector finds what is there
            if each.workload not in present and self.judges(each.workload.namespace)
        ]


def _unpromoted(gate: Gate) -> str:
    """Why production is not opened as the gate wants it, if a person has to act."""
    wanted = gate.status.promotion
    keys = [replace(wanted, stance=each).key for each in Stance] if wanted else []
    became = max((gate.promoted[key] for key in keys if key in gate.promoted), key=lambda each: each.at, default=None)
    return became.message if became and became.state is PromotedState.REFUSED else ""


def _token(state: TokenState) -> Token:
    return Token(address=state.address, ends=state.ends, problem=state.why, taken=not state.refused)


def _in_words(each: Subscription | Selection) -> str:
    written, about = (each.pattern, each.selector) if isinstance(each, Selection) else (each, each.workload)
    return f"{written.place}: {written.name} subscribes {about}"
