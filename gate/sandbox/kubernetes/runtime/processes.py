"""The sandbox's hold on its warden: start a process, signal it, hear of its end; all of them die with the sandbox."""

import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gate.errors import Permanent
from gate.sandbox.kubernetes.runtime.ward.rooms import Share

_PACKAGE_ROOT = Path(__file__).parents[4]
_RUN_WARDEN = """
import sys
sys.path.append(sys.argv.pop(1))
from gate.sandbox.kubernetes.runtime.ward.warden import main
main(*sys.argv[1:])
"""
"""Isolated from the user's environment and without site-packages: the warden needs the standard library and `ward`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How a process ended. `code` is 128 plus the signal's number for a killed one, as a container runtime says it."""

    name: str
    code: int
    signal: int
    at: datetime


class StartFailed(Exception):
    """The command could not be executed; the text is the system's reason."""


class NoRoom(StartFailed):
    """The process could not be given a room of its own, or not be put into another one's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a process has of its own: a host name, and files of the machine at other places."""

    host_name: str
    shares: tuple[Share, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The room of another process, which also is the end of this one."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """Output that is kept line by line, with the time of each (see `ward/journal.py`)."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """The descriptors that the process gets as its input, output and errors; `terminal`: they are one."""

    input: int
    output: int
    errors: int
    terminal: bool = False


class Processes:
    """Processes by name, each with a session of its own and its output in a file of `folder`.

    `exited` is called, on a thread of its own, for each process that ends; it must not block.
    """

    def __init__(self, *, exited: Callable[[Exit], None]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="chaos-gate-pods-"))
        self._workshop = self.folder / "workshop"
        self._workshop.mkdir()
        self._exited = exited
        self._answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._one_start_at_a_time = threading.Lock()
        self._one_line_at_a_time = threading.Lock()
        self._control, theirs = socket.socketpair()
        with theirs:
            self._warden = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", "-c", _RUN_WARDEN, str(_PACKAGE_ROOT)),
                    *(str(theirs.fileno()), str(os.getpid()), str(self.folder)),
                ],
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                env={"PATH": os.defpath},
                stdin=subprocess.DEVNULL,
            )
        self._listener = threading.Thread(target=self._listen, name="processes", daemon=True)
        self._listener.start()

    def start(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        log: Path | Journal | Streams,
        folder: str | None = None,
        room: Room | Beside | None = None,
    ) -> int:
        """Start a process and return its id; the environment is exactly `env`, and it works in `folder` (or in ours).

        Raises:
            NoRoom: it cannot have the room that is asked for; without one it perhaps starts.
            StartFailed: there is no such program or folder, or it may not be executed.
            Permanent: the warden is gone, and all processes with it.
        """
        command = {
            "do": "start",
            "name": name,
            "argv": list(argv),
            "env": dict(env),
            "folder": folder,
            "log": str(log) if isinstance(log, Path) else None,
            "journal": str(log.path) if isinstance(log, Journal) else None,
            "streams": isinstance(log, Streams),
            "terminal": isinstance(log, Streams) and log.terminal,
            "beside": room.name if isinstance(room, Beside) else None,
            "room": asdict(room) | {"base": str(self._workshop)} if isinstance(room, Room) else None,
        }
        descriptors = (log.input, log.output, log.errors) if isinstance(log, Streams) else ()
        with self._one_start_at_a_time:
            self._send(command, descriptors)
            answer = self._answers.get()
        if "failed" in answer:
            raise (NoRoom if answer["stage"] == "room" else StartFailed)(answer["failed"])
        if "started" not in answer:
            raise Permanent("the process that owns the pods has ended; start the sandbox again")
        return int(answer["started"])

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to the process alone; one that has ended is ignored."""
        self._send({"do": "signal", "name": name, "signal": int(number), "group": False})

    def kill(self, name: str) -> None:
        """Kill the process and all that it has started."""
        self._send({"do": "signal", "name": name, "signal": int(signal.SIGKILL), "group": True})

    def close(self) -> None:
        """Kill all processes, remove their logs, and return when that is done."""
        self._control.shutdown(socket.SHUT_WR)
        self._warden.wait()
        shutil.rmtree(self.folder, ignore_errors=True)  # a warden that was killed has not done it
        self._listener.join()
        self._control.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, command: Mapping[str, object], descriptors: Sequence[int] = ()) -> None:
        line = json.dumps(command).encode() + b"\n"
        with self._one_line_at_a_time:
            try:
                sent = socket.send_fds(self._control, [line], descriptors) if descriptors else 0
                self._control.sendall(line[sent:])
            except (BrokenPipeError, ConnectionResetError):
                self._answers.put({})

    def _listen(self) -> None:
        with self._control.makefile("rb") as lines:
            for line in lines:
                message = json.loads(line)
                if "exited" in message:
                    at = datetime.fromtimestamp(message["at"], UTC)
                    self._exited(Exit(name=message["name"], code=message["code"], signal=message["signal"], at=at))
                else:
                    self._answers.put(message)
        self._answers.put({})  # the warden is gone: whoever waits for it must not wait for ever
