"""What happens to containers that run: their ends, what their probes find, what becomes of their hooks.

Processes, probes and hooks have threads of their own; all that they do is to leave a note, for the kubelet's thread.
"""

import queue
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gate.sandbox.kubernetes.kubelet.containers import Container, Ended, Tenant
from gate.sandbox.kubernetes.kubelet.hooks import Hook, HookKind
from gate.sandbox.kubernetes.kubelet.probes import Finding, Probe, ProbeKind
from gate.sandbox.kubernetes.language.objects import Object, lookup
from gate.sandbox.kubernetes.loops.events import EventType, Tell
from gate.sandbox.kubernetes.runtime.asking import Ran
from gate.sandbox.kubernetes.runtime.processes import Exit
from gate.sandbox.kubernetes.runtime.runtime import Runtime
from gate.sandbox.kubernetes.store.changes import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class HookEnded:
    """What became of a hook."""

    kind: HookKind
    failure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something that has happened to a container's process."""

    process: str
    about: Exit | Finding | HookEnded


class Starts(Protocol):
    """Whoever starts containers."""

    def settle(self, container: Container) -> None:
        """What the container does after its start is done."""
        ...

    def note_end(self, container: Container, ended: Ended) -> None:
        """The container has ended like this."""
        ...


class Stops(Protocol):
    """Whoever ends containers."""

    def begin(self, pod: Object, container: Container, grace: float, why: str) -> None:
        """Let the container end within so many seconds."""
        ...


class Attendance:
    """Knows whose process is whose, asks probes and hooks, and draws the conclusions."""

    def __init__(
        self, runtime: Runtime, tell: Tell, pod: Callable[[Key], Object | None], ask: Callable[[Key], None]
    ) -> None:
        """`pod` finds a pod, `ask` has one looked at."""
        self._runtime = runtime
        self._tell = tell
        self._pod = pod
        self._ask = ask
        self._notes: queue.SimpleQueue[Note] = queue.SimpleQueue()
        self._owners: dict[str, tuple[Tenant, Container]] = {}

    def note(self, process: str, about: Exit | Finding | HookEnded) -> None:
        """Remember that this has happened; from any thread."""
        self._notes.put(Note(process=process, about=about))
        owner = self._owners.get(process)
        if owner is not None:
            self._ask(owner[0].key)

    def read(self, starter: Starts, stopper: Stops) -> None:
        """Take note of all that has happened since the last time."""
        while True:
            try:
                note = self._notes.get_nowait()
            except queue.Empty:
                return
            tenant, container = self._owners.get(note.process, (None, None))
            if tenant is None or container is None or container.running is None:
                continue
            self._ask(tenant.key)
            match note.about:
                case Exit() as exited:
                    del self._owners[note.process]
                    self._take_exit(tenant, container, exited, starter)
                case Finding() as finding:
                    self._take_finding(tenant, container, finding, stopper)
                case HookEnded() as ended:
                    self._take_hook(tenant, container, ended, starter, stopper)

    def forget(self, tenant: Tenant) -> None:
        """The pod is gone."""
        self._owners = {process: owner for process, owner in self._owners.items() if owner[0] is not tenant}

    def adopt(self, process: str, tenant: Tenant, container: Container) -> None:
        """A process of this name is about to be started for the container."""
        self._owners[process] = (tenant, container)

    def attend(self, container: Container) -> None:
        """The container runs, and what it does first is done: ask its probes."""
        kinds = (ProbeKind.READINESS, ProbeKind.LIVENESS) if container.started else (ProbeKind.STARTUP,)
        running = container.running
        for kind in kinds:
            if kind.field in container.spec and running is not None:
                address = self._owners[running.process][0].site.address
                container.probes[kind] = Probe(
                    kind,
                    container.spec,
                    address,
                    self._commands_of(running.process),
                    self._listener_of(running.process),
                )

    def hook(self, kind: HookKind, container: Container) -> Hook:
        """Start a hook of a container that runs."""
        if container.running is None:
            raise ValueError(f"container {container.name} does not run: it can have no {kind.value} hook")
        process = container.running.process
        address = self._owners[process][0].site.address
        return Hook(
            kind,
            container.spec,
            address,
            self._commands_of(process),
            lambda kind, failure: self.note(process, HookEnded(kind=kind, failure=failure)),
        )

    def _commands_of(self, process: str) -> Callable[[list[str], float | None], Ran]:
        return lambda argv, timeout: self._runtime.execute(process, argv, timeout)

    def _listener_of(self, process: str) -> Callable[[Finding], None]:
        return lambda finding: self.note(process, finding)

    def _take_exit(self, tenant: Tenant, container: Container, exited: Exit, starter: Starts) -> None:
        running = container.running
        if running is None:
            return
        container.quieten()
        container.ready = container.started = False
        container.running = None
        words = self._runtime.last_words(tenant.uid, container.spec, container.starts - 1, failed=bool(exited.code))
        ended = Ended(
            container_id=running.container_id,
            code=exited.code,
            signal=exited.signal,
            reason="Error" if exited.code else "Completed",
            message=words,
            started_at=running.started_at,
            finished_at=exited.at,
        )
        starter.note_end(container, ended)

    def _take_finding(self, tenant: Tenant, container: Container, finding: Finding, stopper: Stops) -> None:
        pod = self._pod(tenant.key)
        if pod is not None and not finding.good:
            message = f"{finding.kind.value} probe failed: {finding.message}"
            self._tell(pod, "Unhealthy", message, kind=EventType.WARNING, field=container.field)
        if not finding.decided:
            return
        if finding.kind is ProbeKind.READINESS:
            container.ready = finding.good
        elif finding.kind is ProbeKind.STARTUP and finding.good:
            container.started = True
            container.close_probes(ProbeKind.STARTUP)
            self.attend(container)
        elif not finding.good and pod is not None:
            default = lookup(pod, "spec.terminationGracePeriodSeconds", 30)
            grace = container.spec[finding.kind.field].get("terminationGracePeriodSeconds", default)
            why = f"Container {container.name} failed {finding.kind.value.lower()} probe, will be restarted"
            stopper.begin(pod, container, float(grace), why)

    def _take_hook(
        self, tenant: Tenant, container: Container, ended: HookEnded, starter: Starts, stopper: Stops
    ) -> None:
        pod = self._pod(tenant.key)
        if ended.failure and pod is not None:
            message = f"{ended.kind.value}Hook failed: {ended.failure}"
            self._tell(pod, f"Failed{ended.kind.value}Hook", message, kind=EventType.WARNING, field=container.field)
        if ended.kind is HookKind.PRE_STOP and container.stopping is not None:
            container.stopping.hook = None
        elif ended.kind is HookKind.POST_START and not ended.failure:
            starter.settle(container)
        elif ended.kind is HookKind.POST_START and pod is not None:
            container.greeting = None
            grace = float(lookup(pod, "spec.terminationGracePeriodSeconds", 30))
            stopper.begin(pod, container, grace, "FailedPostStartHook")
