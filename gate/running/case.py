"""What the judge looks at: the plan and the evidence of one run, with what is looked up all the time. Pure."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from gate.model import Copy, Evidence, Probe, RunSpec, Step, StepRecord, Summary, Undo, Window

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


class Case:
    """A plan and its evidence. A workflow may have a thousand steps, so nothing is searched for."""

    def __init__(self, spec: RunSpec, evidence: Evidence) -> None:
        self.spec, self.evidence, self.workflow = spec, evidence, spec.workflow
        self.hit = {(each.kind, each.uid) for each in evidence.targets}
        self._felt = {(each.step, each.undo) for each in evidence.effects}
        self._summaries = _grouped(evidence.summaries, lambda each: (each.probe, each.window, each.step))
        self._records = _grouped(evidence.steps, lambda each: each.step)
        self._undos = _grouped(evidence.undo, lambda each: each.step)

    def summary(self, probe: Probe, window: Window, step: str = "") -> Summary | None:
        """The one summary there should be; two would be one too many to know which is true."""
        return _only(self._summaries.get((probe.name, window, step), []))

    @property
    def copy(self) -> Copy | None:
        """The one copy of the version that there should be."""
        return _only([copy for copy in self.evidence.copies if copy.version == self.spec.version])

    def probes(self, window: Window) -> list[Probe]:
        """The probes that count there."""
        return [probe for probe in self.workflow.steady_state if window in probe.when]

    def record(self, step: Step) -> StepRecord | None:
        return _only(self._records.get(step.name, []))

    def undos(self, step: Step) -> list[Undo]:
        return self._undos.get(step.name, [])

    def proven(self, step: Step) -> bool:
        """Every act of the step was felt."""
        undos = self.undos(step)
        return bool(undos) and all((step.name, undo.id) in self._felt for undo in undos)


def _grouped(items: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    groups: dict[K, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def _only(found: Sequence[T]) -> T | None:
    return found[0] if len(found) == 1 else None
