"""The sandbox's hold on its warden: start a process, signal it, hear of its end; all of them die with the sandbox."""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gate.errors import Permanent


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How a process ended. `code` is 128 plus the signal's number for a killed one, as a container runtime says it."""

    name: str
    code: int
    signal: int
    at: datetime


class StartFailed(Exception):
    """The command could not be executed; the text is the system's reason."""


class Processes:
    """Processes by name, each with a session of its own and its output in a file of `folder`.

    `exited` is called, on a thread of its own, for each process that ends; it must not block.
    """

    def __init__(self, *, exited: Callable[[Exit], None]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="chaos-gate-pods-"))
        self._exited = exited
        self._answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._one_start_at_a_time = threading.Lock()
        self._one_line_at_a_time = threading.Lock()
        self._control, theirs = socket.socketpair()
        with theirs:
            self._warden = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", str(Path(__file__).with_name("warden.py"))),
                    *(str(theirs.fileno()), str(os.getpid()), str(self.folder)),
                ],
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                env={"PATH": os.defpath},
                stdin=subprocess.DEVNULL,
            )
        self._listener = threading.Thread(target=self._listen, name="processes", daemon=True)
        self._listener.start()

    def start(self, name: str, argv: Sequence[str], *, env: Mapping[str, str], log: Path) -> int:
        """Start a process and return its id; the environment is exactly `env`.

        Raises:
            StartFailed: there is no such program, or it may not be executed.
            Permanent: the warden is gone, and all processes with it.
        """
        with self._one_start_at_a_time:
            self._send({"do": "start", "name": name, "argv": list(argv), "env": dict(env), "log": str(log)})
            answer = self._answers.get()
        if "failed" in answer:
            raise StartFailed(answer["failed"])
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
        self._listener.join()
        self._control.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, command: dict[str, object]) -> None:
        with self._one_line_at_a_time:
            try:
                self._control.sendall(json.dumps(command).encode() + b"\n")
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
