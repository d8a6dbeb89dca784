"""What the kubelet remembers of a pod and its containers between two looks, and what of it should run."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gate.sandbox.kubernetes.kubelet.hooks import Hook
from gate.sandbox.kubernetes.kubelet.probes import Probe, ProbeKind
from gate.sandbox.kubernetes.language.downward import Site
from gate.sandbox.kubernetes.language.objects import Object, lookup
from gate.sandbox.kubernetes.runtime.images import Pulled

QUIET_AFTER = 600.0
"""Seconds that a container has to run for its crashes to be forgotten."""


class Role(StrEnum):
    """When a container of a pod runs."""

    INIT = "init"
    """Before all others, one after the other, each to its good end."""
    SIDECAR = "sidecar"
    """From its turn among the first ones to the end of the pod."""
    MAIN = "main"
    EPHEMERAL = "ephemeral"
    """Once, beside what runs already; nothing waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Why a container does not run yet, or not again."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    container_id: str
    process: str
    """Its name among the sandbox's processes."""
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    container_id: str
    code: int
    signal: int
    reason: str
    message: str = ""
    started_at: datetime
    finished_at: datetime


@dataclass(slots=True, kw_only=True)
class Stopping:
    """A container on its way to its end: first its hook, then SIGTERM, then SIGKILL."""

    kill_at: float
    """Monotonic time at which patience ends."""
    hook: Hook | None = None
    is_asked: bool = False
    """SIGTERM has been sent."""


@dataclass(slots=True, kw_only=True)
class Container:
    """One container of a pod over all its restarts."""

    spec: Object
    role: Role = Role.MAIN
    waiting: Waiting | None
    running: Running | None = None
    greeting: Hook | None = None
    """What it does after its start; until that has ended, it does not count as running."""
    stopping: Stopping | None = None
    ended: Ended | None = None
    """How the latest one ended; with `waiting`, the next one is to come."""
    ended_before: Ended | None = None
    """How the one before the latest one ended."""
    starts: int = 0
    crashes: int = 0
    """In a row, each before it had run long enough."""
    pull_failures: int = 0
    pause: float = 0.0
    """Seconds to wait after the latest crash or failed pull."""
    not_before: float = 0.0
    """Monotonic time at which that pause is over."""
    image: Pulled | None = None
    ready: bool = False
    started: bool = False
    probes: dict[ProbeKind, Probe] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def field(self) -> str:
        """Its place in the pod, as events say it."""
        places = {Role.MAIN: "containers", Role.EPHEMERAL: "ephemeralContainers"}
        return f"spec.{places.get(self.role, 'initContainers')}{{{self.name}}}"

    @property
    def restarts(self) -> int:
        return max(self.starts - 1, 0)

    @property
    def succeeded(self) -> bool:
        return self.running is None and self.ended is not None and self.ended.code == 0

    def is_over(self, pod: Object) -> bool:
        """Whether it has ended and will not run again by its own nature and the pod's policy."""
        return self.running is None and self.ended is not None and not self.is_restarted(pod)

    def is_restarted(self, pod: Object) -> bool:
        if self.ended is None or self.role is Role.SIDECAR:
            return True
        if self.role is Role.EPHEMERAL:
            return False
        policy = lookup(pod, "spec.restartPolicy", "Always")
        if self.role is Role.INIT:
            return policy != "Never" and self.ended.code != 0
        return bool(policy == "Always" or (policy == "OnFailure" and self.ended.code))

    def close_probes(self, *kinds: ProbeKind) -> None:
        for kind in kinds or tuple(self.probes):
            if kind in self.probes:
                self.probes.pop(kind).close()

    def quieten(self) -> None:
        """Nothing asks the container anything any more."""
        self.close_probes()
        for hook in (self.greeting, self.stopping.hook if self.stopping else None):
            if hook is not None:
                hook.close()
        self.greeting = self.stopping = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why the pod as a whole has failed, whatever its containers say."""

    reason: str
    message: str


@dataclass(slots=True, kw_only=True)
class Tenant:
    """A pod on the node."""

    uid: str
    key: tuple[str, str]
    site: Site
    since: datetime
    welcomed: float
    """Monotonic time of `since`."""
    containers: dict[str, Container]
    failure: Failure | None = None
    is_leaving: bool = False
    """Its object asks it to go."""

    @property
    def is_running(self) -> bool:
        return any(container.running for container in self.containers.values())

    @property
    def is_stopped(self) -> bool:
        """It was made to end, and has."""
        return (self.is_leaving or self.failure is not None) and not self.is_running

    def of(self, *roles: Role) -> list[Container]:
        return [container for container in self.containers.values() if container.role in roles]

    def is_initialized(self) -> bool:
        return all(each.succeeded for each in self.of(Role.INIT)) and all(
            each.started for each in self.of(Role.SIDECAR)
        )


def tenancy(pod: Object) -> dict[str, Container]:
    """The containers of a new pod, in the order in which they start."""
    first, main = lookup(pod, "spec.initContainers", []), pod["spec"]["containers"]
    why = Waiting(reason="PodInitializing" if first else "ContainerCreating")
    found = [
        Container(spec=spec, role=Role.SIDECAR if spec.get("restartPolicy") == "Always" else Role.INIT, waiting=why)
        for spec in first
    ]
    return {each.name: each for each in (*found, *(Container(spec=spec, waiting=why) for spec in main))}


def join(pod: Object, tenant: Tenant) -> None:
    """Take up the ephemeral containers that the pod has been given since."""
    for spec in lookup(pod, "spec.ephemeralContainers", []):
        if spec["name"] not in tenant.containers:
            container = Container(spec=spec, role=Role.EPHEMERAL, waiting=Waiting(reason="ContainerCreating"))
            tenant.containers[container.name] = container


def changed(pod: Object, tenant: Tenant) -> list[Container]:
    """The containers that have another image than before, each told once; nothing is left of earlier failures."""
    found = []
    for spec in (*lookup(pod, "spec.initContainers", []), *pod["spec"]["containers"]):
        container = tenant.containers[spec["name"]]
        if container.spec["image"] != spec["image"]:
            container.spec = container.spec | {"image": spec["image"]}
            container.crashes, container.pull_failures, container.not_before = 0, 0, 0.0
            found.append(container)
    return found


def is_over(pod: Object, tenant: Tenant) -> bool:
    """Whether the pod's work is done, or can never be: only sidecars are left, if anything."""
    if any(each.is_over(pod) and not each.succeeded for each in tenant.of(Role.INIT)):
        return True
    return all(each.is_over(pod) for each in tenant.of(Role.MAIN))


def wanted(pod: Object, tenant: Tenant) -> list[Container]:
    """The containers whose turn it is: to run, or to run again."""
    if is_over(pod, tenant):
        return []
    found = []
    for container in tenant.of(Role.INIT, Role.SIDECAR):
        if container.role is Role.SIDECAR or not container.succeeded:
            found.append(container)
        if not (container.started if container.role is Role.SIDECAR else container.succeeded):
            return found
    return found + tenant.of(Role.MAIN, Role.EPHEMERAL)
