"""The one node of the sandbox: its pods are processes, each on an address of its own."""

import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from signal import Signals

from gate.sandbox.kubernetes import containers
from gate.sandbox.kubernetes.addresses import Addresses
from gate.sandbox.kubernetes.containers import QUIET_AFTER, Container, Ended, Running, Tenant, Waiting
from gate.sandbox.kubernetes.environment import Unresolved
from gate.sandbox.kubernetes.errors import AlreadyExists, NotFound
from gate.sandbox.kubernetes.events import Events, EventType
from gate.sandbox.kubernetes.images import Images, Pulled, PullFailed
from gate.sandbox.kubernetes.node import NODE, node
from gate.sandbox.kubernetes.objects import Object, is_terminating, lookup, name_of, namespace_of, uid_of
from gate.sandbox.kubernetes.probes import Probe, ProbeKind
from gate.sandbox.kubernetes.processes import Exit, StartFailed
from gate.sandbox.kubernetes.resources import NODES, PODS
from gate.sandbox.kubernetes.runtime import Runtime
from gate.sandbox.kubernetes.store import Deletion, Key, Store, Watch
from gate.sandbox.kubernetes.work import Work

logger = logging.getLogger(__name__)

_LONGEST_PAUSE = 300.0
_RETRY = 1.0
_SHOWN = 1.0
"""Seconds that a failed pull is shown as ErrImagePull, before it is ImagePullBackOff."""
_FINISHED = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a probe of a container's process has found."""

    process: str
    kind: ProbeKind
    good: bool
    message: str


class Kubelet:
    """Keeps the processes of the node as the pods in the store say, and the pods' status as the processes are.

    Everything is decided on one thread; processes that end and probes that change their mind only leave a note there.
    `back_off` is the first pause, in seconds, before a crashed container starts again; it doubles up to five minutes.
    """

    def __init__(
        self,
        store: Store,
        images: Images,
        addresses: Addresses,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        back_off: float = 10.0,
    ) -> None:
        self._store = store
        self._images = images
        self._addresses = addresses
        self._clock = clock
        self._back_off = back_off
        self._tell = Events(store, "kubelet", clock=clock).tell
        self._tell_placed = Events(store, "default-scheduler", clock=clock).tell
        self._notes: queue.SimpleQueue[Exit | Verdict] = queue.SimpleQueue()
        self._tenants: dict[str, Tenant] = {}
        self._owners: dict[str, tuple[Tenant, Container]] = {}
        self._runtime: Runtime
        self._work: Work[Key] = Work("kubelet", self._reconcile)
        self._watch: Watch | None = None
        self._listener = threading.Thread(target=self._listen, name="kubelet-watch", daemon=True)

    def start(self) -> None:
        """Register the node, take up the pods that are there already, and then each change."""
        self._runtime = Runtime(self._store, self._images, lambda exited: self._note(exited.name, exited))
        try:
            self._store.create(NODES, node(self._addresses.node, self._clock()))
        except AlreadyExists:
            logger.debug("node=%s is registered already", NODE)
        self._watch = self._store.subscribe([PODS])
        for entry in self._store.entries(PODS)[0]:
            self._work.ask((namespace_of(entry.shared), name_of(entry.shared)))
        self._listener.start()
        self._work.start()

    def stop(self) -> None:
        """Kill every process and forget the pods; their objects stay as they are."""
        if self._watch is not None:
            self._watch.close()
            self._listener.join()
        self._work.stop()
        for tenant in self._tenants.values():
            for container in tenant.containers.values():
                container.close_probes()
        self._runtime.close()

    def log(self, namespace: str, pod: str, container: str, *, previous: bool = False) -> Path | None:
        """The file with what the container (or the one before its last restart) has written; None: there is none."""
        for tenant in list(self._tenants.values()):
            if tenant.key == (namespace, pod) and container in tenant.containers:
                attempt = tenant.containers[container].starts - (2 if previous else 1)
                return self._runtime.log(tenant.uid, container, attempt) if attempt >= 0 else None
        return None

    def is_writing(self, log: Path) -> bool:
        """Whether the container that writes this log is running."""
        return any(
            container.running is not None and log == self._runtime.log(tenant.uid, container.name, container.starts - 1)
            for tenant in list(self._tenants.values())
            for container in tenant.containers.values()
        )

    # What comes in: changes of pods, ends of processes, verdicts of probes

    def _listen(self) -> None:
        for change in self._watch or ():
            self._work.ask((namespace_of(change.entry.shared), name_of(change.entry.shared)))

    def _note(self, process: str, note: Exit | Verdict) -> None:
        self._notes.put(note)
        if process in self._owners:
            self._work.ask(self._owners[process][0].key)

    def _read_notes(self) -> None:
        while True:
            try:
                note = self._notes.get_nowait()
            except queue.Empty:
                return
            if isinstance(note, Exit):
                self._take_exit(note)
            else:
                self._take_verdict(note)

    def _take_exit(self, exited: Exit) -> None:
        tenant, container = self._owners.pop(exited.name, (None, None))
        if tenant is None or container is None or container.running is None:
            return
        container.close_probes()
        container.ready = container.started = False
        container.ended = Ended(
            container_id=container.running.container_id,
            code=exited.code,
            signal=exited.signal,
            reason="Error" if exited.code else "Completed",
            started_at=container.running.started_at,
            finished_at=exited.at,
        )
        container.running = container.kill_at = None
        self._pause(container, (exited.at - container.ended.started_at).total_seconds())
        self._work.ask(tenant.key)

    def _take_verdict(self, verdict: Verdict) -> None:
        tenant, container = self._owners.get(verdict.process, (None, None))
        if tenant is None or container is None:
            return
        self._work.ask(tenant.key)
        if verdict.kind is ProbeKind.READINESS:
            container.ready = verdict.good
        elif verdict.kind is ProbeKind.STARTUP and verdict.good:
            container.started = True
            container.close_probes(ProbeKind.STARTUP)
            self._watch_over(tenant, container, verdict.process, (ProbeKind.READINESS, ProbeKind.LIVENESS))
        if verdict.good:
            return
        pod = self._pod(tenant.key)
        if pod is not None:
            message = f"{verdict.kind.value} probe failed: {verdict.message}"
            self._tell(pod, "Unhealthy", message, kind=EventType.WARNING, field=_field(container))
        if verdict.kind is not ProbeKind.READINESS:
            self._stop_unhealthy(tenant, container, verdict)

    def _stop_unhealthy(self, tenant: Tenant, container: Container, verdict: Verdict) -> None:
        pod = self._pod(tenant.key)
        if pod is None or container.running is None:
            return
        kind = verdict.kind.value.lower()
        message = f"Container {container.name} failed {kind} probe, will be restarted"
        self._tell(pod, "Killing", message, field=_field(container))
        self._runtime.signal(verdict.process, Signals.SIGTERM)
        container.kill_at = time.monotonic() + float(lookup(pod, "spec.terminationGracePeriodSeconds", 30))

    # One look at one pod

    def _reconcile(self, key: Key) -> float | None:
        self._read_notes()
        pod = self._pod(key)
        for tenant in [each for each in self._tenants.values() if each.key == key]:
            if pod is None or tenant.uid != uid_of(pod):
                self._evict(tenant)
        if pod is None or lookup(pod, "spec.nodeName") != NODE:
            return None
        if uid_of(pod) not in self._tenants and is_terminating(pod):
            self._confirm_end(pod)
            return None
        if uid_of(pod) not in self._tenants and lookup(pod, "status.phase") in _FINISHED:
            return None
        tenant = self._tenants.get(uid_of(pod)) or self._welcome(pod)
        after = self._wind_down(pod, tenant) if is_terminating(pod) else self._keep_running(pod, tenant)
        self._report(pod, tenant)
        if is_terminating(pod) and not tenant.is_running:
            self._leave(tenant)
            self._confirm_end(pod)
        return after

    def _welcome(self, pod: Object) -> Tenant:
        tenant = Tenant(
            uid=uid_of(pod),
            key=(namespace_of(pod), name_of(pod)),
            address=self._addresses.pod(),
            since=self._clock(),
            containers={spec["name"]: Container(spec=spec) for spec in pod["spec"]["containers"]},
        )
        self._tenants[tenant.uid] = tenant
        self._tell_placed(pod, "Scheduled", f"Successfully assigned {namespace_of(pod)}/{name_of(pod)} to {NODE}")
        for what in _not_done(pod["spec"]):
            message = f"the sandbox knows no {what}: the pod starts without"
            self._tell(pod, "Unsupported", message, kind=EventType.WARNING)
        return tenant

    def _keep_running(self, pod: Object, tenant: Tenant) -> float | None:
        """Start what should run and does not; seconds until something is to be done that has to wait."""
        pauses: list[float] = []
        for container in tenant.containers.values():
            if container.running is not None:
                pauses.extend(self._end_unhealthy(container, container.running))
                continue
            if container.ended is not None and not containers.restarts(pod, container.ended):
                container.waiting = None
                continue
            left = container.not_before - time.monotonic()
            if left > 0:
                pauses.append(min(left, self._wait(pod, container)))
            else:
                pauses.extend(self._start(pod, tenant, container))
        return min(pauses, default=None)

    def _end_unhealthy(self, container: Container, running: Running) -> Iterable[float]:
        """Kill a process that was asked to end and did not; after how many seconds to look again."""
        if container.kill_at is None:
            return []
        left = container.kill_at - time.monotonic()
        if left <= 0:
            self._runtime.kill(running.process)
            return []
        return [left]

    def _wait(self, pod: Object, container: Container) -> float:
        """Say why the container is not started now; seconds for which that is true."""
        if container.pull_failures:
            failed_ago = time.monotonic() - (container.not_before - container.pause)
            if failed_ago < _SHOWN:
                return _SHOWN - failed_ago
            message = f'Back-off pulling image "{container.spec["image"]}"'
            self._tell(pod, "BackOff", message, field=_field(container))
            container.waiting = Waiting(reason="ImagePullBackOff", message=message)
        elif container.crashes:
            who = f"container={container.name} pod={name_of(pod)}_{namespace_of(pod)}({uid_of(pod)})"
            message = f"back-off {container.pause:g}s restarting failed {who}"
            container.waiting = Waiting(reason="CrashLoopBackOff", message=message)
            told = f"Back-off restarting failed container {container.name} in pod {who.partition('pod=')[2]}"
            self._tell(pod, "BackOff", told, kind=EventType.WARNING, field=_field(container))
        return _LONGEST_PAUSE

    def _start(self, pod: Object, tenant: Tenant, container: Container) -> Iterable[float]:
        """Start the container; after how many seconds to try again, if that is to be."""
        name = container.spec["image"]
        try:
            container.image = self._runtime.pull(name)
        except PullFailed as error:
            container.pause = self._pause_after(container.pull_failures)
            container.pull_failures += 1
            container.not_before = time.monotonic() + container.pause
            container.waiting = Waiting(reason="ErrImagePull", message=str(error))
            message = f'Failed to pull image "{name}": {error}'
            self._tell(pod, "Failed", message, kind=EventType.WARNING, field=_field(container))
            return [min(container.pause, _SHOWN)]
        container.pull_failures = 0
        self._tell(pod, "Pulled", f'Successfully pulled image "{name}"', field=_field(container))
        return self._run(pod, tenant, container, container.image)

    def _run(self, pod: Object, tenant: Tenant, container: Container, image: Pulled) -> Iterable[float]:
        process = f"{tenant.uid}/{container.name}/{container.starts}"
        log = self._runtime.log(tenant.uid, container.name, container.starts)
        container_id = f"containerd://{uuid.uuid4().hex}{uuid.uuid4().hex}"
        now = self._clock()
        self._owners[process] = (tenant, container)
        try:
            self._runtime.start(process, pod, container.spec, tenant.address, image, log)
        except Unresolved as error:
            del self._owners[process]
            container.waiting = Waiting(reason="CreateContainerConfigError", message=str(error))
            self._tell(pod, "Failed", f"Error: {error}", kind=EventType.WARNING, field=_field(container))
            return [_RETRY]
        except StartFailed as error:
            del self._owners[process]
            message = f"failed to start: {error}"
            container.starts += 1
            container.waiting = None
            container.ended = Ended(
                container_id=container_id,
                code=128,
                signal=0,
                reason="StartError",
                message=message,
                started_at=now,
                finished_at=now,
            )
            self._tell(pod, "Failed", f"Error: {message}", kind=EventType.WARNING, field=_field(container))
            self._pause(container, 0.0)
            return [0.0]
        container.starts += 1
        container.waiting = None
        container.running = Running(container_id=container_id, process=process, started_at=now)
        self._tell(pod, "Started", f"Started container {container.name}", field=_field(container))
        container.started = ProbeKind.STARTUP.field not in container.spec
        container.ready = container.started and ProbeKind.READINESS.field not in container.spec
        kinds = (ProbeKind.READINESS, ProbeKind.LIVENESS) if container.started else (ProbeKind.STARTUP,)
        self._watch_over(tenant, container, process, kinds)
        return []

    def _wind_down(self, pod: Object, tenant: Tenant) -> float | None:
        """Ask the processes to end, and kill them when the grace period is over."""
        grace = float(pod["metadata"].get("deletionGracePeriodSeconds") or 0)
        now = time.monotonic()
        running = [each for each in tenant.containers.values() if each.running is not None]
        for container in tenant.containers.values():
            container.waiting = None
            container.close_probes(ProbeKind.LIVENESS, ProbeKind.STARTUP)
        if tenant.kill_at is None:
            tenant.kill_at = now + grace
            for container in running:
                self._tell(pod, "Killing", f"Stopping container {container.name}", field=_field(container))
                self._signal(container, Signals.SIGTERM)
        tenant.kill_at = min(tenant.kill_at, now + grace)
        if now >= tenant.kill_at:
            self._kill(tenant)
            return None
        return tenant.kill_at - now if running else None

    def _evict(self, tenant: Tenant) -> None:
        """The pod's object is gone without us (deleted with grace 0): so must be its processes."""
        tenant.abandoned = True
        self._kill(tenant)
        if not tenant.is_running:
            self._leave(tenant)

    def _leave(self, tenant: Tenant) -> None:
        for container in tenant.containers.values():
            container.close_probes()
        self._tenants.pop(tenant.uid, None)
        self._addresses.release(tenant.address)

    def _confirm_end(self, pod: Object) -> None:
        options = Deletion(grace=0, uid=uid_of(pod))
        try:
            self._store.delete(PODS, namespace_of(pod), name_of(pod), options)
        except NotFound:
            return

    def _report(self, pod: Object, tenant: Tenant) -> None:
        """Write the status, if it is not there yet; a pod that is gone meanwhile needs none."""

        def change(present: Object) -> Object | None:
            if uid_of(present) != tenant.uid:
                return None
            status = containers.status(present, tenant, self._addresses.node, self._clock())
            return present | {"status": status}

        try:
            self._store.patch(PODS, namespace_of(pod), name_of(pod), change, "status")
        except NotFound:
            self._work.ask(tenant.key)

    # Small steps

    def _watch_over(self, tenant: Tenant, container: Container, process: str, kinds: Iterable[ProbeKind]) -> None:
        def run(argv: list[str], timeout: float) -> int | None:
            pod = self._pod(tenant.key)
            return None if pod is None else self._runtime.execute(pod, container.spec, tenant.address, argv, timeout)

        def report(kind: ProbeKind, good: bool, message: str) -> None:
            self._note(process, Verdict(process=process, kind=kind, good=good, message=message))

        for kind in kinds:
            if kind.field in container.spec:
                container.probes[kind] = Probe(kind, container.spec, tenant.address, run, report)

    def _pause(self, container: Container, ran: float) -> None:
        """Note a crash: the first restart is at once, the next ones wait ever longer."""
        if ran >= QUIET_AFTER:
            container.crashes = 0
        container.pause = self._pause_after(container.crashes - 1) if container.crashes else 0.0
        container.crashes += 1
        container.not_before = time.monotonic() + container.pause

    def _pause_after(self, failures: int) -> float:
        return float(min(self._back_off * 2 ** max(failures, 0), _LONGEST_PAUSE))

    def _kill(self, tenant: Tenant) -> None:
        for container in tenant.containers.values():
            if container.running is not None:
                self._runtime.kill(container.running.process)

    def _signal(self, container: Container, number: Signals) -> None:
        if container.running is not None:
            self._runtime.signal(container.running.process, number)

    def _pod(self, key: Key) -> Object | None:
        try:
            return self._store.get(PODS, *key)
        except NotFound:
            return None


def _field(container: Container) -> str:
    return f"spec.containers{{{container.name}}}"


def _not_done(spec: Object) -> list[str]:
    """What the pod asks for and does not get here."""
    asked = [name for name in ("initContainers", "volumes", "hostAliases", "activeDeadlineSeconds") if spec.get(name)]
    return asked + [name for name in ("lifecycle", "workingDir") if any(each.get(name) for each in spec["containers"])]
