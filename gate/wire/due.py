"""What there is to do after something was heard: which workloads are to be compared, which gates to be reported.

What was heard is a hint and no more. Whoever takes a key from here looks at how things are.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta

from gate.catalogue.subscribed import Subscribed
from gate.cluster.mirror import Key
from gate.cluster.said import Json
from gate.model import Gate, Run, WorkloadName
from gate.tracking.queue import WorkQueue
from gate.web.changes import Changes
from gate.wire.copies import Copies, Listeners
from gate.wire.judging import awaits_verdict

log = logging.getLogger(__name__)

EVERYTHING = "everything"
AGAIN = timedelta(seconds=1)
"""How soon to gather everything again if that broke off."""
ECHO = timedelta(milliseconds=250)
"""How soon to compare after a write of somebody who seldom comes alone: what is heard meanwhile needs no comparison of
its own.
"""


class Due:
    """The queues between those who hear and those who act."""

    def __init__(
        self,
        copies: Copies,
        subscribed: Subscribed,
        *,
        poke: Callable[[], None],
        monotonic: Callable[[], float],
        expect: Callable[[WorkloadName, Json], None] = lambda *_: None,
        is_echo: Callable[[Gate], bool] = lambda _: False,
        is_run_echo: Callable[[Run], bool] = lambda _: False,
    ) -> None:
        """`poke` is called when a run may have something to do, or to stop doing. `expect` hears how an event shows a
        workload that will be compared for it. From a gate that `is_echo` knows, or a run that `is_run_echo` does, the
        workload has nothing to learn.
        """
        self.workloads: WorkQueue[WorkloadName] = WorkQueue(monotonic)
        """To be compared."""
        self.gates: WorkQueue[Key] = WorkQueue(monotonic)
        """To be reported to GitLab."""
        self.by_hand: WorkQueue[Key] = WorkQueue(monotonic)
        """Runs that people made, to be judged when they are executed."""
        self.changes = Changes()
        """Rings for those who look."""
        self.copies = copies
        self._asked: WorkQueue[str] = WorkQueue(monotonic)
        self._subscribed, self._poke, self._expect = subscribed, poke, expect
        self._is_echo, self._is_run_echo = is_echo, is_run_echo
        copies.tell(
            Listeners(
                workload_shown=self._workload_shown,
                workload_changed=self._workload_changed,
                gate_changed=self._gate_changed,
                run_changed=self._run_changed,
                run_moved=self.changes.ring,
            )
        )

    def close(self) -> None:
        """Nobody will get anything to do any more."""
        self.workloads.close()
        self.gates.close()
        self.by_hand.close()
        self._asked.close()
        self.changes.close()

    def everything(self) -> None:
        """Have every gate looked at, and every workload that a gate or a subscription is about.

        Returns at once: in a big cluster it takes a while to gather them, and whoever asks may have no time.
        """
        self._asked.add(EVERYTHING)

    def run(self) -> None:
        """Gather everything each time that it is asked for, until closed. Asked meanwhile, it is gathered once more."""
        while (what := self._asked.take()) is not None:
            try:
                self.gather()
            except Exception:  # a mistake of ours: what is not gathered would not be looked at before the next leader
                log.exception("gather.again")
                self._asked.add(what, after=AGAIN.total_seconds())
            self._asked.done(what)

    def gather(self) -> None:
        """Have everything looked at, at once."""
        for gate in self.copies.gates():
            self.workloads.add(gate.workload.name)
            self.gates.add((gate.namespace, gate.name))
        for run in self.copies.runs():
            if awaits_verdict(run):
                self.by_hand.add((run.namespace, run.name))
        self.named(self._subscribed.workloads())

    def named(self, names: Iterable[WorkloadName]) -> None:
        """The workloads that a catalogue names, those that it selects, and those that have a gate."""
        for name in names:
            self.workloads.add(name)
        for name, labels in self.copies.workloads():
            if self._subscribed.is_claimed(name, labels) or self.copies.gate_of(name):
                self.workloads.add(name)

    def _workload_shown(self, name: WorkloadName, item: Json) -> None:
        if self._subscribed.is_claimed(name, item["metadata"].get("labels") or {}):
            self._expect(name, item)

    def _workload_changed(self, name: WorkloadName) -> None:
        if self._subscribed.is_claimed(name, self.copies.labels(name)) or self.copies.gate_of(name):
            self.workloads.add(name)

    def _gate_changed(self, key: Key) -> None:
        gate = self.copies.gate(key)
        # If somebody deleted it, its workload needs another one, provided that is still there.
        name = gate.workload.name if gate else self.copies.workload_of(key)
        if name and not (gate and self._is_echo(gate)):
            self.workloads.add(name, after=ECHO.total_seconds())
        self.gates.add(key)
        self.changes.ring()

    def _run_changed(self, key: Key) -> None:
        run = self.copies.run(key)
        if run and run.spec.asked_by:
            self.by_hand.add(key)
        elif run and not self._is_run_echo(run):
            untouched = not run.begun and not run.abort and not run.deleting  # it was only made just now
            self.workloads.add(run.spec.workload.name, after=ECHO.total_seconds() if untouched else 0.0)
        elif run is None:
            for gate in self.copies.gates():
                if gate.namespace == key[0]:
                    self.workloads.add(gate.workload.name)
        self._poke()
        self.changes.ring()
