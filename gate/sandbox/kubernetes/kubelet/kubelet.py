"""The one node of the sandbox: its pods are processes, each on an address of its own."""

import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from gate.sandbox.kubernetes.kubelet import containers, pod_status
from gate.sandbox.kubernetes.kubelet.attending import Attendance
from gate.sandbox.kubernetes.kubelet.containers import Container, Failure, Role, Tenant
from gate.sandbox.kubernetes.kubelet.node import NODE, node
from gate.sandbox.kubernetes.kubelet.probes import ProbeKind
from gate.sandbox.kubernetes.kubelet.starting import Starter
from gate.sandbox.kubernetes.kubelet.stopping import Stopper
from gate.sandbox.kubernetes.language.downward import Site
from gate.sandbox.kubernetes.language.errors import AlreadyExists, NotFound
from gate.sandbox.kubernetes.language.objects import Object, is_terminating, lookup, name_of, namespace_of, uid_of
from gate.sandbox.kubernetes.loops.events import Events, EventType
from gate.sandbox.kubernetes.loops.following import Following
from gate.sandbox.kubernetes.loops.work import Work
from gate.sandbox.kubernetes.registry.resources import CONFIG_MAPS, NODES, PODS, SECRETS
from gate.sandbox.kubernetes.runtime.images import Images
from gate.sandbox.kubernetes.runtime.names import Names
from gate.sandbox.kubernetes.runtime.processes import Exit
from gate.sandbox.kubernetes.runtime.runtime import NOBODY, Account, Runtime
from gate.sandbox.kubernetes.runtime.volumes import MountFailed, UnknownVolume
from gate.sandbox.kubernetes.services.addresses import Addresses
from gate.sandbox.kubernetes.store.changes import Change, Key
from gate.sandbox.kubernetes.store.lifecycle import Deletion
from gate.sandbox.kubernetes.store.store import Store

logger = logging.getLogger(__name__)

_FINISHED = ("Succeeded", "Failed")
_FOREVER = float("inf")


class Kubelet:
    """Keeps the processes of the node as the pods in the store say, and the pods' status as the processes are.

    Everything is decided on one thread: `attending` hears what happens to containers, `starting` and `stopping` act.
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
        account: Account = NOBODY,
    ) -> None:
        self._account = account
        self._store = store
        self._images = images
        self._addresses = addresses
        self._clock = clock
        self._back_off = back_off
        self._node = node(addresses.node, clock())
        self._names = Names(store)
        self._tell = Events(store, "kubelet", clock=clock).tell
        self._tell_placed = Events(store, "default-scheduler", clock=clock).tell
        self._tenants: dict[str, Tenant] = {}
        self.runtime: Runtime
        self._attendance: Attendance
        self._starter: Starter
        self._stopper: Stopper
        self._work: Work[Key] = Work("kubelet", self._reconcile)
        self._following = Following(store, "kubelet-watch", self._hear, [PODS, CONFIG_MAPS, SECRETS])

    def start(self) -> None:
        """Register the node, take up the pods that are there already, and then each change."""
        self.runtime = Runtime(self._store, self._images, self._names, self._account, self._note_exit)
        self._attendance = Attendance(self.runtime, self._tell, self._pod, self._work.ask)
        self._starter = Starter(self.runtime, self._tell, self._attendance, clock=self._clock, back_off=self._back_off)
        self._stopper = Stopper(self.runtime, self._tell, self._attendance.hook)
        try:
            self._store.create(NODES, self._node)
        except AlreadyExists:
            logger.debug("node=%s is registered already", NODE)
        self._names.start()
        for entry in self._store.entries(PODS)[0]:
            self._work.ask((namespace_of(entry.shared), name_of(entry.shared)))
        self._following.start()
        self._work.start()

    def stop(self) -> None:
        """Kill every process and forget the pods; their objects stay as they are."""
        self._following.stop()
        self._work.stop()
        for tenant in self._tenants.values():
            for container in tenant.containers.values():
                container.quieten()
        self._names.stop()
        self.runtime.close()

    # What others ask

    def log(self, namespace: str, pod: str, container: str, *, previous: bool = False) -> Path | None:
        """The file with what the container (or the one before its last restart) has written; None: there is none."""
        found = self._container(namespace, pod, container)
        if found is None:
            return None
        tenant, its = found
        # Between two runs, the one that has just ended is the latest and the previous one at once.
        is_between = its.running is None and its.waiting is not None
        attempt = its.starts - (2 if previous and not is_between else 1)
        return self.runtime.log(tenant.uid, container, attempt) if attempt >= 0 else None

    def is_writing(self, log: Path) -> bool:
        """Whether the container that writes this log is running."""
        return any(
            container.running is not None and log == self.runtime.log(tenant.uid, container.name, container.starts - 1)
            for tenant in list(self._tenants.values())
            for container in tenant.containers.values()
        )

    def process(self, namespace: str, pod: str, container: str) -> str | None:
        """The name of the process of a running container; None: it does not run."""
        found = self._container(namespace, pod, container)
        return found[1].running.process if found is not None and found[1].running is not None else None

    def _container(self, namespace: str, pod: str, container: str) -> tuple[Tenant, Container] | None:
        for tenant in list(self._tenants.values()):
            if tenant.key == (namespace, pod) and container in tenant.containers:
                return tenant, tenant.containers[container]
        return None

    # What comes in

    def _hear(self, change: Change) -> None:
        about = change.entry.shared
        if change.resource is PODS:
            self._work.ask((namespace_of(about), name_of(about)))
            return
        for tenant in list(self._tenants.values()):
            if tenant.key[0] == namespace_of(about):
                self._work.ask(tenant.key)

    def _note_exit(self, exited: Exit) -> None:
        self._attendance.note(exited.name, exited)

    # One look at one pod

    def _reconcile(self, key: Key) -> float | None:
        self._attendance.read(self._starter, self._stopper)
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
        containers.join(pod, tenant)
        tenant.is_leaving = is_terminating(pod)
        pauses = self._wind_down(pod, tenant) if self._is_to_end(pod, tenant) else self._keep_running(pod, tenant)
        self._report(pod, tenant)
        if tenant.is_leaving and not tenant.is_running:
            self._leave(tenant)
            self._confirm_end(pod)
        return min(pauses, default=None)

    def _welcome(self, pod: Object) -> Tenant:
        site = Site(
            address=self._addresses.pod(),
            node_address=self._addresses.node,
            allocatable=lookup(self._node, "status.allocatable", {}),
        )
        tenant = Tenant(
            uid=uid_of(pod),
            key=(namespace_of(pod), name_of(pod)),
            site=site,
            since=self._clock(),
            welcomed=time.monotonic(),
            containers=containers.tenancy(pod),
        )
        self._tenants[tenant.uid] = tenant
        self.runtime.welcome(pod, site)
        self._tell_placed(pod, "Scheduled", f"Successfully assigned {namespace_of(pod)}/{name_of(pod)} to {NODE}")
        for what in _not_done(pod["spec"]):
            message = f"the sandbox knows no {what}: the pod starts without"
            self._tell(pod, "Unsupported", message, kind=EventType.WARNING)
        return tenant

    def _is_to_end(self, pod: Object, tenant: Tenant) -> bool:
        """Whether the pod is asked to go, or is too old; the latter is noted."""
        if tenant.failure is None and _time_left(pod, tenant) <= 0 and not containers.is_over(pod, tenant):
            message = "Pod was active on the node longer than the specified deadline"
            tenant.failure = Failure(reason="DeadlineExceeded", message=message)
            self._tell(pod, "DeadlineExceeded", message)
        return tenant.is_leaving or tenant.failure is not None

    def _keep_running(self, pod: Object, tenant: Tenant) -> list[float]:
        """Start what should run and does not; seconds until something is to be done that has to wait."""
        left = _time_left(pod, tenant)
        pauses = [left] if left < _FOREVER and not containers.is_over(pod, tenant) else []
        if tenant.is_running:
            self._refresh(pod, tenant)
        for container in containers.changed(pod, tenant):
            grace = float(lookup(pod, "spec.terminationGracePeriodSeconds", 30))
            why = f"Container {container.name} definition changed, will be restarted"
            self._stopper.begin(pod, container, grace, why)
        for container in containers.wanted(pod, tenant):
            if container.running is not None:
                pauses.extend(self._stopper.go_on(container))
            elif container.is_restarted(pod):
                pauses.extend(self._starter.go_on(pod, tenant, container))
            else:
                container.waiting = None
        if containers.is_over(pod, tenant):
            pauses.extend(self._finish(pod, tenant))
        return pauses

    def _finish(self, pod: Object, tenant: Tenant) -> Iterable[float]:
        """Nothing is left to do but to end the sidecars."""
        grace = float(lookup(pod, "spec.terminationGracePeriodSeconds", 30))
        for container in tenant.containers.values():
            if container.running is None and container.ended is not None:
                container.waiting = None
            self._stopper.begin(pod, container, grace, f"Stopping container {container.name}")
            yield from self._stopper.go_on(container)

    def _refresh(self, pod: Object, tenant: Tenant) -> None:
        """Running containers see the ConfigMaps and Secrets of today; what has vanished stays as it was."""
        try:
            self.runtime.refresh(pod, tenant.site)
        except (MountFailed, UnknownVolume) as error:
            self._tell(pod, "FailedMount", str(error), kind=EventType.WARNING)

    def _wind_down(self, pod: Object, tenant: Tenant) -> list[float]:
        """Bring all containers to their end, the sidecars last."""
        grace = float(lookup(pod, "spec.terminationGracePeriodSeconds", 30))
        if tenant.is_leaving:
            grace = float(pod["metadata"].get("deletionGracePeriodSeconds") or 0)
        pauses: list[float] = []
        main_runs = any(each.running for each in tenant.of(Role.MAIN, Role.INIT))
        for container in tenant.containers.values():
            if container.ended is not None:
                container.waiting = None
            container.close_probes(ProbeKind.LIVENESS, ProbeKind.STARTUP)
            if container.role is not Role.SIDECAR or not main_runs:
                self._stopper.begin(pod, container, grace, f"Stopping container {container.name}")
            pauses.extend(self._stopper.go_on(container))
        return pauses

    def _evict(self, tenant: Tenant) -> None:
        """The pod's object is gone without us (deleted with grace 0): so must be its processes."""
        for container in tenant.containers.values():
            if container.running is not None:
                self.runtime.kill(container.running.process)
        if not tenant.is_running:
            self._leave(tenant)

    def _leave(self, tenant: Tenant) -> None:
        for container in tenant.containers.values():
            container.quieten()
        self._tenants.pop(tenant.uid, None)
        self._attendance.forget(tenant)
        self.runtime.forget(tenant.uid)
        self._addresses.release(tenant.site.address)

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
            return present | {"status": pod_status.status(present, tenant, self._clock())}

        try:
            self._store.patch(PODS, namespace_of(pod), name_of(pod), change, "status")
        except NotFound:
            self._work.ask(tenant.key)

    def _pod(self, key: Key) -> Object | None:
        try:
            return self._store.get(PODS, *key)
        except NotFound:
            return None


def _time_left(pod: Object, tenant: Tenant) -> float:
    """Seconds until the pod has been active for too long."""
    deadline = lookup(pod, "spec.activeDeadlineSeconds")
    return tenant.welcomed + float(deadline) - time.monotonic() if deadline is not None else _FOREVER


def _not_done(spec: Object) -> list[str]:
    """What the pod asks for and does not get here."""
    asked = [name for name in ("dnsConfig", "hostPID", "hostIPC", "shareProcessNamespace") if spec.get(name)]
    every = [*(spec.get("initContainers") or ()), *spec["containers"]]
    return asked + [name for name in ("stdin", "tty", "securityContext") if any(each.get(name) for each in every)]
