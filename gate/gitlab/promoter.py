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

from gate.errors import GateError, Permanent, Temporary
from gate.gitlab.outbox import LANDED
from gate.gitlab.promotion import WAYS
from gate.gitlab.promotion.steps import REFUSED_PAUSE, SOON, Done, Idle, Later, Looks, Once, Refused, Repeat, Step
from gate.gitlab.protocol import Request
from gate.model import Gate, Promoted, PromotedState, Promotion, Stance, Way

log = logging.getLogger(__name__)

KEPT = 50
"""How many promotions a gate remembers; the oldest go."""
UNSAVED = timedelta(seconds=1)
"""How soon to look again after the gate could not be written: mostly it was read too early."""
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

    wanted: Promotion
    """While it wants this."""
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
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        """`gitlab` of a project, `Permanent` if there is none; `now` must be the same for all replicas."""
        self._gates, self._gitlab, self._now, self._monotonic = gates, gitlab, now, monotonic
        self._rests: dict[Key, _Rest] = {}

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
        key = (namespace, name)
        gate = self._gates.latest(namespace, name)
        wanted = gate.status.promotion if gate else None
        if gate is None or wanted is None:
            self._rests.pop(key, None)
            return None
        known = gate.promoted.get(wanted.key)
        lasts = wanted.promote.way is Way.CHECK
        if known is not None and known.state is PromotedState.DONE and not lasts:
            return None
        now, rest = self._monotonic(), self._rests.get(key)
        if rest is not None and rest.wanted == wanted and now < rest.until:
            return None if math.isinf(rest.until) else timedelta(seconds=rest.until - now)
        pause: timedelta | None
        try:
            pause, soonest = self._take(gate, wanted, known), BREATH
        except Temporary as error:
            log.warning("gitlab.unpromoted gate=%s/%s why=%r", gate.namespace, gate.name, str(error))
            pause = soonest = _patience(error)
        now = self._monotonic()
        until = math.inf if pause is None else now + pause.total_seconds()
        self._rests[key] = _Rest(wanted, now + soonest.total_seconds(), until)
        return pause

    def _take(self, gate: Gate, wanted: Promotion, known: Promoted | None) -> timedelta | None:
        """Raises `Temporary` if GitLab could not be asked, or did not say what became of a request."""
        try:
            gitlab = self._gitlab(wanted.project)
            step = _next(gitlab.client, wanted)
        except Permanent as error:
            step = Refused(why=str(error))
        if isinstance(step, Done):
            return self._done(gate, wanted, step.what)
        if left := self._underway(known):
            return left
        match step:
            case Idle():
                return None
            case Later():
                log.debug("gitlab.promotes_later gate=%s/%s why=%r", gate.namespace, gate.name, step.why)
                return step.pause
            case Refused():
                return self._refused(gate, wanted, step.why, step.pause)
            case Once():
                return self._send(gate, wanted, gitlab, step)
            case Repeat():
                return self._say(gate, wanted, gitlab, step)
        assert_never(step)

    def _underway(self, known: Promoted | None) -> timedelta | None:
        """For how long what was sent may still arrive."""
        if known is None or known.state is not PromotedState.SENT:
            return None
        left = known.at + LANDED - self._now()
        return min(left, LANDED) if left > timedelta(0) else None

    def _send(self, gate: Gate, wanted: Promotion, gitlab: Fenced, step: Once) -> timedelta | None:
        """Noted first: should we die, or should the answer be lost, the note says that it may have happened."""
        try:
            noted = self._save(gate, wanted, PromotedState.SENT, f"sent {step.request}")
        except GateError as error:
            log.debug("gitlab.unsaved gate=%s/%s why=%r", gate.namespace, gate.name, str(error))
            return UNSAVED
        try:
            gitlab.send(step.request)
        except Permanent as error:
            return self._refused(noted, wanted, str(error), REFUSED_PAUSE)
        return self._done(noted, wanted, step.what)

    def _say(self, gate: Gate, wanted: Promotion, gitlab: Fenced, step: Repeat) -> timedelta | None:
        """Each request by itself: one that is refused, because it came too late, keeps the others from nothing."""
        refused, pause = [], step.again
        for request in step.requests:
            try:
                gitlab.send(request)
            except Permanent as error:
                refused.append(str(error))
            except Temporary as error:
                log.warning("gitlab.unpromoted gate=%s/%s why=%r", gate.namespace, gate.name, str(error))
                pause = min(pause, _patience(error))
        known = gate.promoted.get(wanted.key)
        if refused:
            return self._refused(gate, wanted, "; ".join(refused), pause)
        if step.what and pause == step.again and (known is None or known.message != step.what):
            return self._done(gate, wanted, step.what) or pause
        return pause

    def _done(self, gate: Gate, wanted: Promotion, what: str) -> timedelta | None:
        log.info("gitlab.promoted gate=%s/%s commit=%s what=%r", gate.namespace, gate.name, wanted.commit.sha[:8], what)
        return self._remember(gate, wanted, PromotedState.DONE, what, pause=None)

    def _refused(self, gate: Gate, wanted: Promotion, why: str, pause: timedelta) -> timedelta | None:
        """Loudly once; the same again and again would only hide the rest of the log."""
        known = gate.promoted.get(wanted.key)
        if known is not None and (known.state, known.message) == (PromotedState.REFUSED, why):
            return pause
        log.error("gitlab.not_promoted gate=%s/%s why=%r", gate.namespace, gate.name, why)
        return self._remember(gate, wanted, PromotedState.REFUSED, why, pause=pause)

    def _remember(
        self, gate: Gate, wanted: Promotion, state: PromotedState, message: str, *, pause: timedelta | None
    ) -> timedelta | None:
        """What could not be remembered is looked up, and found to be so, the next time."""
        try:
            self._save(gate, wanted, state, message)
        except GateError as error:
            log.debug("gitlab.unsaved gate=%s/%s why=%r", gate.namespace, gate.name, str(error))
            return UNSAVED
        return pause

    def _save(self, gate: Gate, wanted: Promotion, state: PromotedState, message: str) -> Gate:
        """Raises `GateError`."""
        others = sorted((key for key in gate.promoted if key != wanted.key), key=lambda key: gate.promoted[key].at)
        forgotten = others[: max(0, len(others) - KEPT + 1)]
        became = Promoted(state=state, at=self._now(), message=message)
        return self._gates.save_promoted(gate, {**dict.fromkeys(forgotten), wanted.key: became})


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
