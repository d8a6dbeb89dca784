"""The container runtime: makes of an image and a container's spec a process with its environment, files and log."""

import contextlib
import os
import queue
import shutil
import tempfile
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import Signals

from gate.sandbox.kubernetes.language.downward import Site
from gate.sandbox.kubernetes.language.objects import Object, namespace_of, uid_of
from gate.sandbox.kubernetes.registry.resources import SERVICES
from gate.sandbox.kubernetes.runtime import environment, volumes
from gate.sandbox.kubernetes.runtime.asking import Ran
from gate.sandbox.kubernetes.runtime.images import Images, Pulled
from gate.sandbox.kubernetes.runtime.names import Names
from gate.sandbox.kubernetes.runtime.processes import (
    Beside,
    Exit,
    Journal,
    NoRoom,
    Processes,
    Room,
    StartFailed,
    Streams,
)
from gate.sandbox.kubernetes.runtime.sources import Sources
from gate.sandbox.kubernetes.runtime.volumes import Token
from gate.sandbox.kubernetes.runtime.ward.journal import records
from gate.sandbox.kubernetes.runtime.ward.rooms import Share
from gate.sandbox.kubernetes.store.store import Store

_CANNOT_EXECUTE = 126
_LONGEST_OUTPUT = 10 * 1024
_LONGEST_MESSAGE = 4096
"""Bytes of a termination message, as the kubelet reads them."""
_LAST_LINES = 80
_LAST_BYTES = 2048
"""How much of a log can stand in for a termination message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How what runs in a pod says who it is."""

    kubeconfig: Callable[[Object], str] = lambda _pod: ""
    """Empty where the pod speaks to the API server as nobody."""
    token: Token = volumes.no_token
    """For another audience than the API server, as a file in a volume."""


NOBODY = Account()


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A started container, as commands beside it have to know it."""

    variables: dict[str, str]
    folder: str


class Runtime:
    """Runs containers by the name of their process. `exited` hears of each that ends, on a thread of its own."""

    def __init__(
        self, store: Store, images: Images, names: Names, account: Account, exited: Callable[[Exit], None]
    ) -> None:
        self._account = account
        self._store = store
        self._images = images
        self._names = names
        self._exited = exited
        self._commands: dict[str, queue.SimpleQueue[int]] = {}
        self._lives: dict[str, Life] = {}
        self._processes = Processes(exited=self._note_exit)

    def close(self) -> None:
        """Kill everything."""
        self._processes.close()

    def pull(self, image: str) -> Pulled:
        """What is behind the image's name now; PullFailed."""
        return self._images.pull(image)

    def welcome(self, pod: Object, site: Site) -> None:
        """Make the folder of a pod, with its hosts file."""
        self._home(uid_of(pod)).mkdir(parents=True, exist_ok=True)
        self._names.enter(pod, site.address, self._hosts(uid_of(pod)))

    def refresh(self, pod: Object, site: Site) -> None:
        """Bring the pod's volumes up to date; MountFailed or UnknownVolume."""
        sources = Sources(self._store, namespace_of(pod))
        volumes.write(pod, self._home(uid_of(pod)) / "volumes", site, sources.files, self._account.token)

    def forget(self, uid: str) -> None:
        """Remove the folder of a pod that has no processes any more: its volumes and its logs."""
        self._names.leave(self._hosts(uid))
        shutil.rmtree(self._home(uid), ignore_errors=True)

    def start(self, process: str, pod: Object, spec: Object, site: Site, image: Pulled, log: Path) -> str:
        """Start a container. Returns why it had to do without a room of its own; "" where it has one.

        Raises:
            Unresolved: its environment refers to something that does not exist.
            MountFailed: a part of a volume is missing.
            NoRoom: it mounts volumes, and cannot have a room of its own.
            StartFailed: there is no such program.
        """
        namespace = namespace_of(pod)
        services = [entry.shared for entry in self._store.entries(SERVICES, namespace)[0]]
        asked = (pod, spec, site, services, Sources(self._store, namespace).text)
        references = environment.variables(*asked)
        variables = self._told(pod) | environment.environment(*asked, brought=image.variables)
        life = Life(variables=variables, folder=spec.get("workingDir") or "/")
        argv = environment.command(spec, image.argv, references)
        log.parent.mkdir(parents=True, exist_ok=True)
        message = log.with_suffix(".message")
        message.touch()
        mounts = tuple(volumes.shares(pod, spec, self._home(uid_of(pod)) / "volumes", references))
        own = (
            Share(source=str(self._hosts(uid_of(pod))), target="/etc/hosts"),
            Share(source=str(message), target=spec.get("terminationMessagePath") or "/dev/termination-log"),
        )
        taken = {share.target for share in mounts}
        shares = (*mounts, *(share for share in own if share.target not in taken))
        room = Room(host_name=environment.host_name(pod), shares=shares)
        self._lives[process] = life
        try:
            return self._launch(process, argv, life, log, room, needed=bool(mounts))
        except StartFailed:
            del self._lives[process]
            raise

    def _launch(self, process: str, argv: Sequence[str], life: Life, log: Path, room: Room, *, needed: bool) -> str:
        """Start the process in the room, or without one if that is not needed and not to be had; then, why not."""

        def start(room: Room | None) -> None:
            self._processes.start(
                process, argv, env=life.variables, log=Journal(path=log), folder=life.folder, room=room
            )

        try:
            start(room)
        except NoRoom as error:
            if needed:
                raise
            start(None)
            return str(error)
        return ""

    def execute(self, process: str, argv: Sequence[str], timeout: float | None) -> Ran:
        """Run a command beside the container with this process; kill the command when it takes too long."""
        with tempfile.TemporaryFile() as output, Path(os.devnull).open("rb") as nothing:
            streams = Streams(input=nothing.fileno(), output=output.fileno(), errors=output.fileno())
            try:
                name, ended = self.attach(process, argv, streams)
            except StartFailed as error:
                return Ran(code=_CANNOT_EXECUTE, output=str(error))
            try:
                code = ended.get(timeout=timeout)
            except queue.Empty:
                self._processes.kill(name)
                return Ran(code=None)
            output.seek(0)
            return Ran(code=code, output=output.read(_LONGEST_OUTPUT).decode(errors="replace"))

    def attach(self, process: str, argv: Sequence[str], streams: Streams) -> tuple[str, "queue.SimpleQueue[int]"]:
        """Start a command beside the container; its name, and where its exit code will be.

        Raises:
            StartFailed: there is no such program; NoRoom: the container has ended.
        """
        life = self._lives.get(process)
        if life is None:
            raise NoRoom("the container is not running")
        name = f"{process}/command-{uuid.uuid4().hex}"
        ended = self._commands[name] = queue.SimpleQueue()
        try:
            self._processes.start(
                name, argv, env=life.variables, log=streams, folder=life.folder, room=Beside(name=process)
            )
        except StartFailed:
            del self._commands[name]
            raise
        return name, ended

    def signal(self, process: str, number: Signals) -> None:
        self._processes.signal(process, number)

    def kill(self, process: str) -> None:
        self._processes.kill(process)

    def log(self, uid: str, container: str, attempt: int) -> Path:
        """Where this start of a pod's container writes."""
        return self._home(uid) / "logs" / container / f"{attempt}.log"

    def last_words(self, uid: str, spec: Object, attempt: int, *, failed: bool) -> str:
        """What the container left as its termination message, or the end of its log if that is its policy."""
        log = self.log(uid, spec["name"], attempt)
        with contextlib.suppress(FileNotFoundError), log.with_suffix(".message").open("rb") as file:
            if message := file.read(_LONGEST_MESSAGE).decode(errors="replace"):
                return message
        if failed and spec.get("terminationMessagePolicy") == "FallbackToLogsOnError":
            lines = [record.text for record in deque(records(log), maxlen=_LAST_LINES)]
            return b"".join(lines)[-_LAST_BYTES:].decode(errors="replace")
        return ""

    def _told(self, pod: Object) -> dict[str, str]:
        """Where the pod finds its account. The mounted token of other clusters is of no use without TLS."""
        kubeconfig = self._account.kubeconfig(pod)
        if not kubeconfig:
            return {}
        file = self._home(uid_of(pod)) / "kubeconfig"
        file.touch(mode=0o600)
        file.write_text(kubeconfig)
        return {"KUBECONFIG": str(file)}

    def _home(self, uid: str) -> Path:
        return self._processes.folder / uid

    def _hosts(self, uid: str) -> Path:
        return self._home(uid) / "hosts"

    def _note_exit(self, exited: Exit) -> None:
        waiting = self._commands.pop(exited.name, None)
        if waiting is not None:
            waiting.put(exited.code)
            return
        self._lives.pop(exited.name, None)
        self._exited(exited)
