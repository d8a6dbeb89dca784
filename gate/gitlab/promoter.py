"""Opens production in GitLab as the gates say, however often it is called and wherever it was interrupted before.

What is wanted stands in each gate, and so does what became of it. What may not be done twice is noted in the gate
before it is sent. Whoever finds the note, and not its effect in GitLab, waits until the request must have landed if it
ever will, and only then sends it again: a crash, a cut connection and a second replica all end with one effect.
"""

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol, assert_never

from gate.errors import Conflict, GateError, Permanent, Temporary
from gate.gitlab.outbox import LANDED
from gate.gitlab.promotion import WAYS
from gate.gitlab.promotion.agreed import Agreed
from gate.gitlab.promotion.evidence import unproven
from gate.gitlab.promotion.steps import REFUSED_PAUSE, SOON, Done, Idle, Later, Looks, Once, Refused, Repeat, Step
from gate.gitlab.protocol import Request
from gate.model import Gate, Promoted, PromotedState, Promotion, Stance, Way

log = logging.getLogger(__name__)

KEPT = 50
"""How many promotions a gate remembers; the oldest go."""
UNSAVED = timedelta(seconds=1)
"""How soon to look again after the gate could not be written: mostly it was read too early."""
UNSAVED_MOST = timedelta(minutes=5)
"""And where it cannot be written at all."""
UNPROVEN = timedelta(minutes=1)
"""How soon to look again whether GitLab confirms what a workload says: the record may still be on its way."""
UNSURE = timedelta(seconds=2)
"""How soon to look again while not every gate of a production has been compared."""
NEXT = timedelta(seconds=1)
"""How soon what follows is done."""
BREATH = timedelta(seconds=5)
"""Between two looks, however many hints there are: a pipeline sends one for each change of a job."""
Key = tuple[str, str]


class Gates(Protocol):
    """The gates, and the part of their status that is the promoter's."""

    def latest(self, namespace: str, name: str) -> Gate | None:
        """The gate as it is now, or was a moment ago."""
        ...

    def save_promoted(self, gate: Gate, promoted: Mapping[str, Promoted | None]) -> Gate:
        """Remember what became of promotions (None forgets). Raises `Conflict` if the gate was written since."""
        ...


class Agree(Protocol):
    """What all the gates want that share one way to production."""

    def __call__(self, gate: Gate, *, anew: bool = False) -> Agreed | None:
        """None while nobody knows; `anew` believes no copy. Raises `GateError` if it cannot be found out."""
        ...


class Fenced(Protocol):
    """A GitLab that is told something only while this replica leads."""

    @property
    def client(self) -> Looks:
        """For looks."""
        ...

    def send(self, request: Request) -> Any:
        """For what changes something."""
        ...


@dataclass(frozen=True, slots=True)
class _Rest:
    """Nothing is to be done for a gate."""

    wanted: tuple[Promotion, str]
    """While this is wanted, and this stands in the way."""
    soonest: float
    """When it may be looked at all the same, if there is a reason to."""
    until: float
    """By the promoter's clock."""


class Promoter:
    """Looks at one gate at a time; the queue in front of it brings it back when told to."""

    def __init__(
        self,
        gates: Gates,
        gitlab: Callable[[str], Fenced],
        agree: Agree,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        """`gitlab` of a project, `Permanent` if there is none; `now` must be the same for all replicas."""
        self._gates, self._gitlab, self._agree = gates, gitlab, agree
        self._now, self._monotonic = now, monotonic
        self._rests: dict[Key, _Rest] = {}
        self._failures: dict[Key, int] = {}
        """How often in a row a gate could not be written."""
        self._warned: set[str] = set()

    def hurry(self) -> None:
        """Something may have changed in GitLab: look at everything again that is looked at."""
        self._rests = {}

    def look(self, namespace: str, name: str) -> None:
        """Something may have changed for this gate: it need not rest, but for what many such hints need together."""
        key, now = (namespace, name), self._monotonic()
        if (rest := self._rests.get(key)) is not None:
            self._rests[key] = replace(rest, until=min(rest.until, max(rest.soonest, now)))

    def promote(self, namespace: str, name: str) -> timedelta | None:
        """Take the next step; returns after how long to come back, None when there is none to take."""
        gate = self._gates.latest(namespace, name)
        if gate is None or gate.status.promotion is None:
            self._rests.pop((namespace, name), None)
            return None
        own = gate.status.promotion
        if _is_over(own, gate.promoted.get(own.key)):
            return None
        agreed = self._agree(gate)
        if agreed is None:
            return UNSURE
        pause = self._look(agreed)
        return min(pause or SOON, SOON) if agreed.held else pause

    def _look(self, agreed: Agreed) -> timedelta | None:
        """The next step for a production, whichever of its gates it was for whose sake one looks."""
        keeper, wanted = agreed.keeper, agreed.wanted
        key, known = (keeper.namespace, keeper.name), keeper.promoted.get(agreed.note)
        if _is_over(wanted, known):
            return None
        now, rest = self._monotonic(), self._rests.get(key)
        if rest is not None and rest.wanted == (wanted, agreed.why) and now < rest.until:
            return None if math.isinf(rest.until) else timedelta(seconds=rest.until - now)
        pause: timedelta | None
        try:
            pause, soonest = self._take(agreed, known), BREATH
        except Temporary as error:
            log.warning("gitlab.unpromoted gate=%s/%s why=%r", keeper.namespace, keeper.name, str(error))
            pause = soonest = _patience(error)
        now = self._monotonic()
        until = math.inf if pause is None else now + pause.total_seconds()
        self._rests[key] = _Rest((wanted, agreed.why), now + soonest.total_seconds(), until)
        return pause

    def _take(self, agreed: Agreed, known: Promoted | None) -> timedelta | None:
        """Raises `Temporary` if GitLab could not be asked, or did not say what became of a request."""
        try:
            gitlab = self._gitlab(agreed.wanted.project)
            step = _proven(gitlab.client, agreed, _next(gitlab.client, agreed.wanted))
        except Permanent as error:
            step = Refused(why=str(error))
        if isinstance(step, Done):
            return self._done(agreed, step.what)
        if left := self._underway(known):
            return left
        match step:
            case Idle():
                self._warn(agreed.keeper, step.warning)
                return self._refused(agreed, agreed.why, SOON) if agreed.why else None
            case Later():
                keeper = agreed.keeper
                log.debug("gitlab.promotes_later gate=%s/%s why=%r", keeper.namespace, keeper.name, step.why)
                return step.pause
            case Refused():
                return self._refused(agreed, step.why, step.pause)
            case Once():
                return self._send(agreed, gitlab, step)
            case Repeat():
                return self._say(agreed, gitlab, step)
        assert_never(step)

    def _warn(self, gate: Gate, warning: str) -> None:
        """Once, for as long as this process lives."""
        if warning and warning not in self._warned:
            self._warned.add(warning)
            log.warning("gitlab.open_to_others gate=%s/%s why=%r", gate.namespace, gate.name, warning)

    def _stands(self, agreed: Agreed) -> bool:
        """What is to be done now is still wanted, by what the cluster itself says and no copy of it."""
        try:
            found = self._agree(agreed.keeper, anew=True)
        except Permanent as error:  # somebody has to mend the cluster, and GitLab is not at fault
            raise Temporary(str(error)) from error
        return found is not None and (found.wanted, found.keeper.uid) == (agreed.wanted, agreed.keeper.uid)

    def _underway(self, known: Promoted | None) -> timedelta | None:
        """For how long what was sent may still arrive."""
        if known is None or known.state is not PromotedState.SENT:
            return None
        left = known.at + LANDED - self._now()
        return min(left, LANDED) if left > timedelta(0) else None

    def _send(self, agreed: Agreed, gitlab: Fenced, step: Once) -> timedelta | None:
        """Noted first: should we die, or should the answer be lost, the note says that it may have happened."""
        if not self._stands(agreed):
            return UNSURE
        try:
            noted = self._save(agreed, PromotedState.SENT, f"sent {step.request}")
        except GateError as error:
            return self._unsaved(agreed.keeper, error)
        agreed = replace(agreed, keeper=noted)
        try:
            gitlab.send(step.request)
        except Permanent as error:
            return self._refused(agreed, str(error), REFUSED_PAUSE)
        return self._done(agreed, step.what) if step.last else self._partly(agreed, step.what)

    def _partly(self, agreed: Agreed, what: str) -> timedelta:
        """Should it not be remembered, what follows waits as long as if the request could still arrive."""
        return self._remember(agreed, PromotedState.PARTLY, what) or NEXT

    def _say(self, agreed: Agreed, gitlab: Fenced, step: Repeat) -> timedelta | None:
        """Each request by itself: one that is refused, because it came too late, keeps the others from nothing."""
        gate, refused, pause = agreed.keeper, [agreed.why] if agreed.why else [], step.again
        if step.requests and not self._stands(agreed):
            return UNSURE
        for request in step.requests:
            try:
                gitlab.send(request)
            except Permanent as error:
                refused.append(str(error))
            except Temporary as error:
                log.warning("gitlab.unpromoted gate=%s/%s why=%r", gate.namespace, gate.name, str(error))
                pause = min(pause, _patience(error))
        known = gate.promoted.get(agreed.note)
        if step.final and not step.requests:
            pause = self._rarely(gate, known, pause)
        if refused:
            return self._refused(agreed, "; ".join(refused), pause)
        if step.what and pause >= step.again and (known is None or known.message != step.what):
            return self._done(agreed, step.what) or pause
        return pause

    def _rarely(self, gate: Gate, known: Promoted | None, again: timedelta) -> timedelta:
        """As long again as it has been so: what has stood for an hour need not be looked at each minute."""
        since = known.at if known else gate.status.since
        return min(max(again, self._now() - since), REFUSED_PAUSE) if since else again

    def _done(self, agreed: Agreed, what: str) -> timedelta | None:
        if (again := self._remember(agreed, PromotedState.DONE, what)) is not None:
            return again
        gate, sha = agreed.keeper, agreed.wanted.commit.sha
        log.info("gitlab.promoted gate=%s/%s commit=%s what=%r", gate.namespace, gate.name, sha[:8], what)
        return None

    def _refused(self, agreed: Agreed, why: str, pause: timedelta) -> timedelta | None:
        """Loudly once; the same again and again would only hide the rest of the log."""
        gate = agreed.keeper
        known = gate.promoted.get(agreed.note)
        if known is not None and (known.state, known.message) == (PromotedState.REFUSED, why):
            return pause
        if (again := self._remember(agreed, PromotedState.REFUSED, why)) is not None:
            return again
        log.error("gitlab.not_promoted gate=%s/%s why=%r", gate.namespace, gate.name, why)
        return pause

    def _remember(self, agreed: Agreed, state: PromotedState, message: str) -> timedelta | None:
        """None if it is. What could not be remembered is looked up, and found to be so, after what is returned."""
        try:
            self._save(agreed, state, message)
        except GateError as error:
            return self._unsaved(agreed.keeper, error)
        return None

    def _unsaved(self, gate: Gate, error: GateError) -> timedelta:
        """A gate that was read too early is read again. Anything else is said once, and tried ever more rarely."""
        if isinstance(error, Conflict):
            return UNSAVED
        key = (gate.namespace, gate.name)
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        remedy = "the gate has to be allowed to patch chaosgates/status"
        level = logging.WARNING if failures == 1 else logging.DEBUG
        log.log(level, "gitlab.unsaved gate=%s/%s why=%r remedy=%r", *key, str(error), remedy)
        return min(UNSAVED * (1 << min(failures, 16)), UNSAVED_MOST)

    def _save(self, agreed: Agreed, state: PromotedState, message: str) -> Gate:
        """Raises `GateError`."""
        gate, note = agreed.keeper, agreed.note
        others = sorted((key for key in gate.promoted if key != note), key=lambda key: gate.promoted[key].at)
        forgotten = others[: max(0, len(others) - KEPT + 1)]
        became = Promoted(state=state, at=self._now(), message=message)
        saved = self._gates.save_promoted(gate, {**dict.fromkeys(forgotten), note: became})
        self._failures.pop((gate.namespace, gate.name), None)
        return saved


def _is_over(wanted: Promotion, known: Promoted | None) -> bool:
    """What merge requests show is compared for as long as it lasts; the rest is done once."""
    return known is not None and known.state is PromotedState.DONE and wanted.promote.way is not Way.CHECK


def _patience(error: Temporary) -> timedelta:
    """What GitLab asks for, and not less than is decent."""
    return max(SOON, timedelta(seconds=error.retry_after or 0))


def _next(gitlab: Looks, wanted: Promotion) -> Step:
    way = WAYS[wanted.promote.way]
    match wanted.stance:
        case Stance.AWAIT:
            return way.announce(gitlab, wanted)
        case Stance.SHUT:
            return way.result(gitlab, wanted)
        case Stance.OPEN:
            return way.release(gitlab, wanted)
    assert_never(wanted.stance)


def _proven(gitlab: Looks, agreed: Agreed, step: Step) -> Step:
    """The step, if it opens nothing, or if GitLab confirms what the workload says of itself."""
    says_so = agreed.wanted.stance is Stance.OPEN and isinstance(step, Repeat) and step.requests
    opens = isinstance(step, Once) or says_so  # what is sent once may also close: for the pipeline that it is about
    why = unproven(gitlab, agreed.wanted, agreed.environments) if opens else ""
    return Refused(why=why, pause=UNPROVEN) if why else step
