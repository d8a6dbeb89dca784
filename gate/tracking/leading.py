"""Keeps this replica in the race for the Lease, and answers, at any moment and from local time alone, whether it leads.

**What is fenced.** Everything that is written on the leader's behalf asks `insist` right before it is sent. It looks at
this process' own clock, which goes on while the process is stopped (SIGSTOP) or the machine is suspended; so a leader
that was away and wakes does not write, whatever it was about to do and before any thread of it has noticed.

**What is not.** A process that is stopped exactly between `insist` and the system call that sends the request, for
longer than the Lease lasts, sends that one request late. Each such write is harmless by itself:

- the status of a gate carries the resourceVersion that it was decided on: 409 if anybody has written since;
- a gate, or a run, is created under a name that follows from what it is for, so a late one is the same one; a run is
  made only after the gate's status that names it was accepted, and names its workload's uid and version;
- verdicts, the wish to stop and deletions carry the uid of the object that is meant, and a verdict follows from the
  evidence alone;
- a run's faults and records are fenced by the run's own lease (`gate.running.fencing`), not by this one;
- GitLab has no such thing to hold on to: a late post shows until the new leader's next look at that commit.
"""

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from gate.errors import Conflict, GateError, Temporary
from gate.tracking.election import NOBODY, Act, Candidacy, Claim, Record, Terms

log = logging.getLogger(__name__)


class NotLeading(Temporary):
    """Only the leader writes, and this replica does not lead, or not any more."""


class Lease(Protocol):
    """The Lease that all replicas look at. Both calls should fail within `Terms.retry` rather than hang."""

    def read(self) -> Record | None:
        """As it is now, None if there is none. Raises `GateError` if it cannot be told."""
        ...

    def write(self, seen: Record | None, claim: Claim) -> Record:
        """Write the claim in place of what was seen. Raises `Conflict` if somebody was faster, `GateError` if it cannot
        be told whether it was written.
        """
        ...


class Leading:
    """One replica's part in the election. `leads` and `insist` may be called from any thread."""

    def __init__(
        self,
        lease: Lease,
        me: str,
        *,
        monotonic: Callable[[], float],
        draw: Callable[[], float],
        changed: Callable[[bool], None],
        terms: Terms | None = None,
    ) -> None:
        """`me` must be nobody else's, and not that of an earlier process either.

        `monotonic` should count on while the machine is suspended. `draw` gives the jitter, from 0 to 1. `changed`
        hears whether this replica leads, each time that this changes; it is called between two looks, so it must be
        quick. What it raises is logged, and keeps nobody from renewing.
        """
        self._lease, self._monotonic, self._draw, self._changed = lease, monotonic, draw, changed
        self._known = Candidacy(me=me, terms=terms or Terms())
        self._told = False
        self.problem = ""
        """Why the Lease cannot be read or written, in one sentence."""

    @property
    def leader(self) -> str:
        """Who holds the Lease, as last seen; empty: nobody does."""
        record = self._known.record
        return record.holder if record else NOBODY

    def leads(self) -> bool:
        """May this replica act as the leader at this moment?"""
        return self._known.leads(self._monotonic())

    def insist(self) -> None:
        """Raises `NotLeading` unless this replica may write at this moment."""
        if not self.leads():
            raise NotLeading(f"this replica does not lead{f', {self.leader} does' if self.leader else ''}")

    def run(self, stop: threading.Event) -> None:
        """Take part until told to stop; then give the Lease up, so that nobody has to wait for it to expire.

        Stop only after everything that the leader does has ended.
        """
        while not stop.is_set():
            try:
                pause = self.step()
            except Exception:  # a mistake of ours must not end the only thread that renews
                log.exception("lead.again")
                pause = self._known.terms.retry.total_seconds()
            stop.wait(pause)
        self.release()

    def step(self) -> float:
        """Look at the Lease once, do what is to be done about it; returns the seconds until the next look."""
        try:
            self._look()
            self.problem = ""
        except Conflict as error:
            log.debug("lead.conflict why=%r", str(error))
        except GateError as error:
            self.problem = str(error)
            log.warning("lead.unsure leads=%s why=%r", self.leads(), self.problem)
        if self._known.renewed is not None and not self.leads():
            self._step_down()
        return self._known.pause(self._monotonic(), self._draw())

    def release(self) -> None:
        """Give the Lease up. From here on this replica does not lead, whether the Lease hears of it or not."""
        led = self._known.renewed is not None
        self._step_down()
        try:
            record = self._lease.read()
            if led and record and record.holder == self._known.me:
                self._known = self._known.saw(record, self._monotonic())
                self._lease.write(record, self._known.resignation())
        except GateError as error:  # it expires by itself
            log.warning("lead.unsure why=%r", str(error))

    def _look(self) -> None:
        """Raises what the Lease raises."""
        record, before = self._lease.read(), self.leader
        self._known = self._known.saw(record, self._monotonic())
        if self.leader not in {before, self._known.me}:
            log.info("lead.seen leader=%s", self.leader or "-")
        act = self._known.next_act(self._monotonic())
        if act is Act.STEP_DOWN:
            self._step_down()
        elif act is not Act.WAIT:
            began = self._monotonic()
            written = self._lease.write(record, self._known.claim(begins=act is Act.ACQUIRE))
            if not self.leads():  # the answer came after the end of the term: what it should have heard is lost to it
                self._step_down()
            self._known = self._known.wrote(written, began, self._monotonic())
            self._tell()

    def _step_down(self) -> None:
        if self._known.renewed is not None:
            log.warning("lead.end replica=%s leader=%s", self._known.me, self.leader or "-")
        self._known = self._known.stepped_down()
        self._tell()

    def _tell(self) -> None:
        leads = self.leads()
        if leads == self._told:
            return
        self._told = leads
        if leads:
            log.info("lead.begin replica=%s", self._known.me)
        try:
            self._changed(leads)
        except Exception:  # whatever it is, others wait for the next beat
            log.exception("lead.change leads=%s", leads)
