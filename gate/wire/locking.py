"""What keeps a step from acting: other runs, foreign chaos, disruption budgets, autoscalers, pods that have to stay.

All of it is asked of the cluster at that moment: this gate is not the only one that does something there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gate.cluster.api import Api
from gate.cluster.foreign import Foreign
from gate.cluster.guards import held_by_autoscaler, held_by_budget
from gate.cluster.runs import Runs
from gate.cluster.workloads import Workloads
from gate.errors import Denied, Permanent
from gate.faults import UNREADY
from gate.model import Run, RunSpec, Step, Undo, WorkloadName
from gate.running.turns import Caps, beyond
from gate.wire.ties import surrounding

POD = "Pod"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterLocks:
    """The locks of one cluster, as `gate.running.ports.Locks` asks for them. Thread-safe."""

    api: Api
    foreign: Foreign
    caps: Caps
    leave_ready: int = 0
    """So many ready pods of a workload are never hit."""
    policy: Callable[[str, RunSpec, Step, Sequence[Undo]], str] = lambda *_: ""
    """What the administrators' policy says, asked first."""

    def __call__(self, run: str, spec: RunSpec, step: Step, undos: Sequence[Undo]) -> str:
        name = step.target or spec.workload.name
        return (
            self.policy(run, spec, step, undos)
            or self._other_runs(spec.workload.name.namespace, run)
            or self.foreign.on(name, lambda: Workloads(self.api).labels(name))
            or self._guarded(name, step, undos)
            or held_by_autoscaler(self.api, name)
        )

    def _other_runs(self, namespace: str, name: str) -> str:
        """Two gates that began at the same moment did not see each other. Now each sees both, in the same order."""
        run = Runs(self.api).get(namespace, name)
        if run is None:
            return ""
        try:
            return beyond(run, self._around(run), self.caps)
        except Permanent as error:  # whoever can be read again lets others go on
            return f"others, for who they are cannot be seen: {error}"

    def _around(self, run: Run) -> Sequence[Run]:
        try:
            return surrounding(self.api, run, everywhere=self.caps.cluster is not None)
        except Denied:  # a Job sees its own namespace; the gate that made it has counted those of the others
            return surrounding(self.api, run, everywhere=False)

    def _guarded(self, name: WorkloadName, step: Step, undos: Sequence[Undo]) -> str:
        """Pods that the step takes away from the service: not below what has to stay, and as budgets allow."""
        hit = [undo.target for undo in undos if undo.target.kind == POD]
        if not hit or step.fault not in UNREADY:
            return ""
        many = len(hit)  # also one by one: a pod that is waited for in vain is down beside the next one
        ready = len(Workloads(self.api).ready_pods(name)) if self.leave_ready else many
        if self.leave_ready and ready - many < self.leave_ready:
            raise Denied(
                f'"{step.name}" would leave {max(0, ready - many)} of {ready} ready pods of {name}, and '
                f"{self.leave_ready} have to stay: CHAOS_GATE_LEAVE_READY; hit fewer, or give it more replicas"
            )
        return held_by_budget(self.api, hit, many)
