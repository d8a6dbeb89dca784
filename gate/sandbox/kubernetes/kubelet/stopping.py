"""How a container is brought to its end: its preStop hook, SIGTERM, and SIGKILL when its time is over."""

import time
from collections.abc import Callable, Iterable
from signal import Signals

from gate.sandbox.kubernetes.kubelet import hooks
from gate.sandbox.kubernetes.kubelet.containers import Container, Stopping
from gate.sandbox.kubernetes.kubelet.hooks import Hook, HookKind
from gate.sandbox.kubernetes.language.objects import Object
from gate.sandbox.kubernetes.loops.events import Tell
from gate.sandbox.kubernetes.runtime.runtime import Runtime

_LEAST_AFTER_HOOK = 2.0
"""Seconds that a process has after its hook, whatever the hook has left of the grace period (kubelet: the same)."""

StartHook = Callable[[HookKind, Container], Hook]


class Stopper:
    """Ends containers, one look at a time; nothing here waits."""

    def __init__(self, runtime: Runtime, tell: Tell, start_hook: StartHook) -> None:
        self._runtime = runtime
        self._tell = tell
        self._start_hook = start_hook

    def begin(self, pod: Object, container: Container, grace: float, why: str) -> None:
        """Let the container end within so many seconds; if it does so already, perhaps sooner than it was told."""
        if container.running is None:
            return
        deadline = time.monotonic() + grace
        if container.stopping is not None:
            container.stopping.kill_at = min(container.stopping.kill_at, deadline)
            return
        self._tell(pod, "Killing", why, field=container.field)
        has_hook = grace > 0 and hooks.has(container.spec, HookKind.PRE_STOP)
        hook = self._start_hook(HookKind.PRE_STOP, container) if has_hook else None
        container.stopping = Stopping(kill_at=deadline, hook=hook)

    def go_on(self, container: Container) -> Iterable[float]:
        """Do what is due; after how many seconds there is more to do."""
        stopping, running, now = container.stopping, container.running, time.monotonic()
        if stopping is None or running is None:
            return []
        if stopping.hook is not None and now < stopping.kill_at:
            return [stopping.kill_at - now]
        if not stopping.is_asked:
            stopping.is_asked = True
            self._runtime.signal(running.process, Signals.SIGTERM)
            if hooks.has(container.spec, HookKind.PRE_STOP):
                stopping.kill_at = max(stopping.kill_at, now + _LEAST_AFTER_HOOK)
        if now >= stopping.kill_at:
            self._runtime.kill(running.process)
            return []
        return [stopping.kill_at - now]
