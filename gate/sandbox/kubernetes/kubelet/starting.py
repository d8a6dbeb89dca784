"""How a container is brought to run: its image, its volumes and variables, its process; and the pauses in between."""

import time
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

from gate.sandbox.kubernetes.kubelet import hooks
from gate.sandbox.kubernetes.kubelet.containers import QUIET_AFTER, Container, Ended, Running, Tenant, Waiting
from gate.sandbox.kubernetes.kubelet.hooks import Hook, HookKind
from gate.sandbox.kubernetes.kubelet.probes import ProbeKind
from gate.sandbox.kubernetes.language.downward import Unresolved
from gate.sandbox.kubernetes.language.objects import Object, name_of, namespace_of, uid_of
from gate.sandbox.kubernetes.loops.events import EventType, Tell
from gate.sandbox.kubernetes.runtime.images import Pulled, PullFailed
from gate.sandbox.kubernetes.runtime.processes import NoRoom, StartFailed
from gate.sandbox.kubernetes.runtime.runtime import Runtime
from gate.sandbox.kubernetes.runtime.volumes import MountFailed, UnknownVolume

_LONGEST_PAUSE = 300.0
_RETRY = 1.0
_SHOWN = 1.0
"""Seconds that a failed pull is shown as ErrImagePull, before it is ImagePullBackOff."""
_CANNOT_START = 128


class Attendant(Protocol):
    """Whoever looks after a container that runs."""

    def adopt(self, process: str, tenant: Tenant, container: Container) -> None:
        """A process of this name is about to be started for the container."""
        ...

    def attend(self, container: Container) -> None:
        """It runs, and what it does first is done: ask its probes."""
        ...

    def hook(self, kind: HookKind, container: Container) -> Hook:
        """Let it do what it does after its start."""
        ...


class Starter:
    """Starts containers, one look at a time; nothing here waits. `back_off` is the first pause, in seconds."""

    def __init__(
        self,
        runtime: Runtime,
        tell: Tell,
        attendant: Attendant,
        *,
        clock: Callable[[], datetime],
        back_off: float,
    ) -> None:
        self._runtime = runtime
        self._tell = tell
        self._attendant = attendant
        self._clock = clock
        self._back_off = back_off

    def go_on(self, pod: Object, tenant: Tenant, container: Container) -> Iterable[float]:
        """Start the container, if it is time; after how many seconds to look again, if that is to be."""
        left = container.not_before - time.monotonic()
        if left > 0:
            return [min(left, self._wait(pod, container))]
        try:
            self._runtime.refresh(pod, tenant.site)
        except MountFailed as error:
            self._complain(pod, "FailedMount", str(error))
            return [_RETRY]
        except UnknownVolume as error:
            return self._cannot(pod, container, "CreateContainerError", str(error))
        name = container.spec["image"]
        try:
            container.image = self._runtime.pull(name)
        except PullFailed as error:
            container.pause = self._pause_after(container.pull_failures)
            container.pull_failures += 1
            container.not_before = time.monotonic() + container.pause
            container.waiting = Waiting(reason="ErrImagePull", message=str(error))
            self._complain(pod, "Failed", f'Failed to pull image "{name}": {error}', container)
            return [min(container.pause, _SHOWN)]
        container.pull_failures = 0
        self._tell(pod, "Pulled", f'Container image "{name}" already present on machine', field=container.field)
        return self._run(pod, tenant, container, container.image)

    def note_end(self, container: Container, ended: Ended) -> None:
        """Remember how the container ended: the first restart is at once, the next ones wait ever longer."""
        container.ended_before, container.ended = container.ended, ended
        if (ended.finished_at - ended.started_at).total_seconds() >= QUIET_AFTER:
            container.crashes = 0
        container.pause = self._pause_after(container.crashes - 1) if container.crashes else 0.0
        container.crashes += 1
        container.not_before = time.monotonic() + container.pause

    def _wait(self, pod: Object, container: Container) -> float:
        """Say why the container is not started now; seconds for which that is true."""
        if container.pull_failures:
            failed_ago = time.monotonic() - (container.not_before - container.pause)
            if failed_ago < _SHOWN:
                return _SHOWN - failed_ago
            message = f'Back-off pulling image "{container.spec["image"]}"'
            self._tell(pod, "BackOff", message, field=container.field)
            container.waiting = Waiting(reason="ImagePullBackOff", message=message)
        elif container.crashes:
            who = f"{name_of(pod)}_{namespace_of(pod)}({uid_of(pod)})"
            message = f"back-off {container.pause:g}s restarting failed container={container.name} pod={who}"
            container.waiting = Waiting(reason="CrashLoopBackOff", message=message)
            told = f"Back-off restarting failed container {container.name} in pod {who}"
            self._complain(pod, "BackOff", told, container)
        return _LONGEST_PAUSE

    def _run(self, pod: Object, tenant: Tenant, container: Container, image: Pulled) -> Iterable[float]:
        process = f"{tenant.uid}/{container.name}/{container.starts}"
        log = self._runtime.log(tenant.uid, container.name, container.starts)
        container_id = f"containerd://{uuid.uuid4().hex}{uuid.uuid4().hex}"
        now = self._clock()
        self._attendant.adopt(process, tenant, container)
        try:
            without = self._runtime.start(process, pod, container.spec, tenant.site, image, log)
        except Unresolved as error:
            return self._cannot(pod, container, "CreateContainerConfigError", str(error))
        except MountFailed as error:
            return self._cannot(pod, container, "CreateContainerConfigError", str(error))
        except NoRoom as error:
            return self._cannot(pod, container, "CreateContainerError", f"volumes cannot be mounted here: {error}")
        except StartFailed as error:
            message = f"failed to start: {error}"
            container.starts += 1
            container.waiting = None
            self._complain(pod, "Failed", f"Error: {message}", container)
            ended = Ended(
                container_id=container_id,
                code=_CANNOT_START,
                signal=0,
                reason="StartError",
                message=message,
                started_at=now,
                finished_at=now,
            )
            self.note_end(container, ended)
            return [0.0]
        if without:
            what = "its host name is the machine's, and names of Services do not resolve in it"
            self._complain(pod, "Unsupported", f"no room of its own ({without}): {what}")
        container.starts += 1
        container.running = Running(container_id=container_id, process=process, started_at=now)
        self._tell(pod, "Created", f"Created container: {container.name}", field=container.field)
        self._tell(pod, "Started", f"Started container {container.name}", field=container.field)
        if hooks.has(container.spec, HookKind.POST_START):
            container.greeting = self._attendant.hook(HookKind.POST_START, container)
        else:
            self.settle(container)
        return []

    def settle(self, container: Container) -> None:
        """The container runs, and what it does first is done."""
        container.greeting = container.waiting = None
        container.started = ProbeKind.STARTUP.field not in container.spec
        container.ready = container.started and ProbeKind.READINESS.field not in container.spec
        self._attendant.attend(container)

    def _cannot(self, pod: Object, container: Container, reason: str, message: str) -> Iterable[float]:
        container.waiting = Waiting(reason=reason, message=message)
        self._complain(pod, "Failed", f"Error: {message}", container)
        return [_RETRY]

    def _complain(self, pod: Object, reason: str, message: str, container: Container | None = None) -> None:
        self._tell(pod, reason, message, kind=EventType.WARNING, field=container.field if container else "")

    def _pause_after(self, failures: int) -> float:
        return float(min(self._back_off * 2 ** max(failures, 0), _LONGEST_PAUSE))
