"""Who leads: from the Lease as it was read and from local time alone, what to do about it now. Pure; no I/O.

The record is that of client-go's leader election, so that people and tools can read it. Nobody's wall clock is ever
compared with anybody else's: a holder is taken for dead when its record has not changed for as long as it says that it
lasts, measured on the observer's own clock from when the observer first saw it so. A leader counts from when it *began*
its last successful write, which is before anybody can have seen that write, and stops earlier (`Terms.deadline`) than
others begin (`Terms.lasts`). So two never lead at a time, as long as no clock runs faster than another by more than
`lasts / deadline`.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

NOBODY = ""
"""Who holds a Lease that was given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long leadership lasts. With these, a leader that dies is followed within 13 s, one that stops within 3 s."""

    lasts: timedelta = timedelta(seconds=10)
    """How long others wait for a leader that is not heard; whole seconds, because the Lease counts in them."""
    deadline: timedelta = timedelta(seconds=7)
    """How long a leader may act after it began its last successful renewal."""
    retry: timedelta = timedelta(seconds=2)
    """Between two looks at the Lease."""
    jitter: float = 0.2
    """By which share of itself a pause may be longer, so that replicas do not come as one."""

    def __post_init__(self) -> None:
        if self.lasts % timedelta(seconds=1):
            raise ValueError(f"lasts is {self.lasts}, but a Lease counts in whole seconds")
        if not self.lasts > self.deadline > (1 + self.jitter) * self.retry > timedelta(0):
            raise ValueError(
                f"lasts {self.lasts} must be longer than deadline {self.deadline}, and that longer than a retry with "
                f"its jitter, {(1 + self.jitter) * self.retry}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The Lease as it was read."""

    version: str
    """The resourceVersion: it changes with each write, and a write says which one it follows."""
    holder: str
    """The holder's identity; `NOBODY` when it was given up."""
    lasts: timedelta
    transitions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a candidate writes into the Lease."""

    holder: str
    lasts: timedelta
    transitions: int
    begins: bool
    """A new term, and not one more beat of the same."""


class Act(StrEnum):
    """What to do about the Lease."""

    ACQUIRE = "acquire"
    RENEW = "renew"
    WAIT = "wait"
    STEP_DOWN = "step down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidacy:
    """What one candidate knows. Times are seconds of its own clock, which nobody can set."""

    me: str
    terms: Terms = Terms()
    record: Record | None = None
    """The Lease when last read; None: there is none."""
    since: float | None = None
    """When the Lease was first seen to be so; None: it has never been read."""
    patience: timedelta = timedelta(0)
    """How long, from then on, it may still be somebody's."""
    transitions: int = 0
    renewed: float | None = None
    """When the last write that is known to have succeeded was begun; None: this candidate does not lead."""

    def leads(self, now: float) -> bool:
        """May it act as the leader at this moment?"""
        return self.renewed is not None and now < self.renewed + self.terms.deadline.total_seconds()

    def saw(self, record: Record | None, now: float) -> "Candidacy":
        """The Lease was read. `now` is a moment after the answer came, so that nobody is ever thought older than he is.

        A Lease that somebody deleted may have a leader still: it is waited for as long as when it was there.
        """
        if self.since is not None and record == self.record:
            return self
        patience = record.lasts if record else self.record.lasts if self.record else timedelta(0)
        transitions = record.transitions if record else self.transitions
        return replace(self, record=record, since=now, patience=patience, transitions=transitions)

    def next_act(self, now: float) -> Act:
        """What to do, right after the Lease was read."""
        holder = self.record.holder if self.record else NOBODY
        if self.leads(now):
            # A Lease that was deleted is still the leader's: the others wait, see `saw`.
            return Act.RENEW if holder == self.me or self.record is None else Act.STEP_DOWN
        if self.renewed is not None:
            return Act.STEP_DOWN
        given_up = self.record is not None and holder == NOBODY
        return Act.ACQUIRE if holder == self.me or given_up or now >= self._free() else Act.WAIT

    def claim(self, *, begins: bool) -> Claim:
        """What to write, to begin a term or to go on with it."""
        another = self.record is not None and self.record.holder != self.me
        return self._claim(self.me, self.transitions + (begins and another), begins=begins)

    def resignation(self) -> Claim:
        """What to write to give the Lease up."""
        return self._claim(NOBODY, self.transitions, begins=False)

    def _claim(self, holder: str, transitions: int, *, begins: bool) -> Claim:
        return Claim(holder=holder, lasts=self.terms.lasts, transitions=transitions, begins=begins)

    def wrote(self, record: Record, began: float, now: float) -> "Candidacy":
        """The Lease is ours; `began` is a moment before the write was sent."""
        return replace(self.saw(record, now), renewed=began)

    def stepped_down(self) -> "Candidacy":
        """It does not lead any more, whatever the Lease says."""
        return replace(self, renewed=None)

    def pause(self, now: float, draw: float) -> float:
        """Seconds until the next look. `draw`, from 0 to 1, is the jitter."""
        retry, spread = self.terms.retry.total_seconds(), self.terms.jitter * draw * self.terms.retry.total_seconds()
        if self.renewed is not None:  # not later than its end, so that this is told in time
            return max(0.0, min(retry + spread, self.renewed + self.terms.deadline.total_seconds() - now))
        if self.since is None or now >= self._free():
            return retry + spread
        return min(retry, self._free() - now) + spread

    def _free(self) -> float:
        """From when on the Lease is nobody's any more, whoever's it was."""
        return (self.since or 0.0) + self.patience.total_seconds()
