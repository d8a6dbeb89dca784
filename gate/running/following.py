"""What becomes of a step when a pod that it hit is replaced while the fault is held: it is told, and followed or not.

A replacement that is followed is a target like any other: it has an undo of its own, saved before the act, and its
effect has to be proven.
"""

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from gate.errors import GateError, Permanent, Temporary
from gate.model import SECOND, Step, Target, Targets, Undo, draw
from gate.running.execution import Execution, Stopped
from gate.running.reverting import revert_one, target_in_words

log = logging.getLogger(__name__)

LOOK = SECOND
"""How often it is asked whether the targets are still there."""
LAST = timedelta(seconds=5)
"""Who comes so late before the end, or in the second half of a shorter time, is not hit: nothing could prove it."""
POD = "Pod"
MANY = ("percent", "sequence", "every")
"""Settings about several pods: a replacement is one."""


class Replacements:
    """Looks after the targets of one step while its fault is held."""

    def __init__(self, run: Execution, step: Step, begun: datetime) -> None:
        self._run, self._step = run, step
        self._last = begun + step.hold - min(LAST, step.hold / 2)
        self._next = begun + min(LOOK, step.hold / 4)

    def look(self) -> bool:
        """True if something was hit that was not hit before. Raises what an act raises."""
        if self._run.time.now() < self._next:
            return False
        self._next = self._run.time.now() + LOOK
        for undo in self._undos():
            if undo.replaced is None and self._is_gone(undo.target):
                self._tell(undo)
        if self._step.targets is not Targets.FOLLOW or self._run.time.now() >= self._last:
            return False
        try:
            return self._follow()
        except Temporary as error:  # the next look may tell
            log.warning("run.follow step=%r why=%r", self._step.name, str(error))
            return False

    def _undos(self) -> list[Undo]:
        undos = self._run.log.status.evidence.undo
        return [undo for undo in undos if undo.step == self._step.name and undo.target.kind == POD]

    def _is_gone(self, pod: Target) -> bool:
        """As far as it can be told now: the hold does not wait for it."""
        try:
            found = self._run.world.cluster.get("pods", pod.namespace, pod.name)
        except GateError as error:
            log.warning("run.replaced pod=%s/%s why=%r", pod.namespace, pod.name, str(error))
            return False
        return found is None or found["metadata"]["uid"] != pod.uid

    def _tell(self, undo: Undo) -> None:
        self._run.log.undo(replace(undo, replaced=self._run.time.now()))
        fate = "followed" if self._step.targets is Targets.FOLLOW else "not hit: its targets are fixed"
        what = f"{target_in_words(undo)} was replaced while it was held"
        self._run.log.note(f'{what}; what comes in its place in "{self._step.name}" is {fate}')

    def _follow(self) -> bool:
        """Hit one ready pod for each target that is gone, if there is one that nobody knew when the step began."""
        undos = self._undos()
        followed = {undo.follows for undo in undos}
        orphans = [undo for undo in undos if undo.replaced and undo.id not in followed]
        if not orphans:
            return False
        name = self._run.aim(self._step)
        pods = self._run.world.workloads.ready_pods(name)
        known = self._run.bystanders | {undo.target.uid for undo in undos}
        fresh = sorted((pod for pod in pods if pod.uid not in known), key=self._order)
        hits = [self._hit(orphan, pod) for orphan, pod in zip(orphans, fresh, strict=False)]
        return any(hits)

    def _order(self, pod: Target) -> float:
        return draw(self._run.spec.seed, f"{self._step.fault} {self._step.name}", pod.uid)

    def _hit(self, orphan: Undo, pod: Target) -> bool:
        """Hit the pod in the place of one that is gone; False if it is gone itself by now, or may not be hit."""
        run, fault = self._run, self._run.fault(self._step.fault)
        one = {key: value for key, value in self._step.settings.items() if key not in MANY} | {"count": 1}
        name = run.aim(self._step)
        step = replace(self._step, settings=run.bound(one), target=name if run.copy else self._step.target)
        planned = fault.plan(step, name, [pod], run.spec.seed, run.world.cluster)
        if not planned:
            return False
        undo = replace(planned[0], id=f"{planned[0].id} {pod.uid}", follows=orphan.id, spacing=timedelta(0))
        if run.world.locks(run.world.run, run.spec, step, [undo]):
            return False
        if (refusal := run.world.permission(run.spec, step, [pod])) is not None:
            raise Stopped(refusal)
        run.check()
        evidence = run.log.status.evidence
        run.log.evidence(targets=(*evidence.targets, pod), undo=(*evidence.undo, undo))
        run.patiently(run.log.save)
        try:
            run.patiently(partial(fault.inject, undo, run.world.cluster))
        except Permanent:
            if not self._is_gone(pod):
                raise
            self._let_go(undo)
            return False
        run.log.undo(replace(undo, injected=run.time.now()))
        run.log.note(
            f"injected {undo.fault} into {target_in_words(undo)}, which took the place of {orphan.target.name}"
        )
        return True

    def _let_go(self, undo: Undo) -> None:
        """An act whose answer was lost may be in force although the pod is gone, so it is taken back before it is
        forgotten. What cannot be taken back now stays on record, and is taken back with all the others.
        """
        try:
            revert_one(undo, self._run.world)
        except Exception as error:  # noqa: BLE001 - whatever it was, the end of the step tries again
            what = f"it is not known whether {target_in_words(undo)} was hit before it went"
            self._run.log.note(f"{what}: {error or type(error).__name__}")
        else:
            self._forget(undo)

    def _forget(self, undo: Undo) -> None:
        """It went before it could be hit: there is nothing to prove of it, and nothing left to take back."""
        evidence = self._run.log.status.evidence
        self._run.log.evidence(
            targets=tuple(each for each in evidence.targets if each != undo.target),
            undo=tuple(each for each in evidence.undo if each.id != undo.id),
        )
        self._run.log.note(f"{target_in_words(undo)} went before it could be hit")
