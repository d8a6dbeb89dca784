"""The container runtime: makes of an image and a container's spec a process with its environment and its log."""

import queue
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from signal import Signals

from gate.sandbox.kubernetes import environment
from gate.sandbox.kubernetes.errors import NotFound
from gate.sandbox.kubernetes.images import Images, Pulled
from gate.sandbox.kubernetes.objects import Object, namespace_of, uid_of
from gate.sandbox.kubernetes.processes import Exit, Processes, StartFailed
from gate.sandbox.kubernetes.resources import CONFIG_MAPS, SECRETS, SERVICES
from gate.sandbox.kubernetes.store import Store

_CANNOT_EXECUTE = 126


class Runtime:
    """Runs containers by the name of their process. `exited` hears of each that ends, on a thread of its own."""

    def __init__(self, store: Store, images: Images, exited: Callable[[Exit], None]) -> None:
        self._store = store
        self._images = images
        self._exited = exited
        self._commands: dict[str, queue.SimpleQueue[int]] = {}
        self._processes = Processes(exited=self._note_exit)

    def close(self) -> None:
        """Kill everything."""
        self._processes.close()

    def pull(self, image: str) -> Pulled:
        """What is behind the image's name now; PullFailed."""
        return self._images.pull(image)

    def start(self, process: str, pod: Object, spec: Object, address: str, image: Pulled, log: Path) -> None:
        """Start a container.

        Raises:
            Unresolved: its environment refers to something that does not exist.
            StartFailed: there is no such program.
        """
        variables = self._environment(pod, spec, address)
        argv = environment.command(spec, image.argv, variables)
        log.parent.mkdir(parents=True, exist_ok=True)
        self._processes.start(process, argv, env=variables, log=log)

    def execute(self, pod: Object, spec: Object, address: str, argv: list[str], timeout: float) -> int | None:
        """Run a command beside a container, in its environment; its exit code, None if it had to be killed."""
        name = f"{uid_of(pod)}/{spec['name']}/command-{uuid.uuid4().hex}"
        ended = self._commands[name] = queue.SimpleQueue()
        log = self._processes.folder / uid_of(pod) / "commands.log"
        try:
            self._processes.start(name, argv, env=self._environment(pod, spec, address), log=log)
            return ended.get(timeout=timeout)
        except (StartFailed, environment.Unresolved):
            return _CANNOT_EXECUTE
        except queue.Empty:
            self._processes.kill(name)
            return None

    def signal(self, process: str, number: Signals) -> None:
        self._processes.signal(process, number)

    def kill(self, process: str) -> None:
        self._processes.kill(process)

    def log(self, uid: str, container: str, attempt: int) -> Path:
        """Where this start of a pod's container writes."""
        return self._processes.folder / uid / container / f"{attempt}.log"

    def _note_exit(self, exited: Exit) -> None:
        waiting = self._commands.pop(exited.name, None)
        if waiting is None:
            self._exited(exited)
        else:
            waiting.put(exited.code)

    def _environment(self, pod: Object, spec: Object, address: str) -> dict[str, str]:
        namespace = namespace_of(pod)
        services = [entry.shared for entry in self._store.entries(SERVICES, namespace)[0]]

        def find(kind: str, name: str) -> Mapping[str, str] | None:
            try:
                if kind == "secret":
                    return environment.decoded(self._store.get(SECRETS, namespace, name))
                return dict(self._store.get(CONFIG_MAPS, namespace, name).get("data") or {})
            except NotFound:
                return None

        return environment.environment(pod, spec, address, services, find)
