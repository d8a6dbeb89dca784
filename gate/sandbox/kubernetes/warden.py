"""The process that owns the pods' processes, so that none of them outlives the sandbox, however the sandbox ends.

Run as a script by `processes.py`, with the standard library only: it stays small, has one thread (so that it may fork),
and adopts what its children leave behind. It reads one JSON command a line from a socket and answers in kind:

    {"do": "start", "name", "argv", "env", "log"}   -> {"name", "started": pid}  or  {"name", "failed": why}
    {"do": "signal", "name", "signal", "group"}     -> (nothing)
    whenever a process ends                         -> {"name", "exited": pid, "code", "signal", "at"}

When the socket is closed or the sandbox is gone (also by SIGKILL: a pidfd tells), it kills all it has and removes the
logs. Should the warden itself be killed, the kernel kills the processes (PR_SET_PDEATHSIG).
"""

import contextlib
import ctypes
import json
import os
import selectors
import shutil
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

Message = dict[str, Any]

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_NOT_FOUND = 127
_LOG_LIMIT = 4 * 1024 * 1024
"""Bytes that a log may have; of a longer one the newer half is kept."""
_LOOK_AT_LOGS_EVERY = 1.0


class Warden:
    """Starts, signals and buries processes; see the module's text for what it hears and says."""

    def __init__(self, control: socket.socket, sandbox: int) -> None:
        self._control = control
        self._sandbox = os.pidfd_open(sandbox)
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._names: dict[int, str] = {}
        self._pids: dict[str, int] = {}
        self._logs: dict[int, str] = {}
        self._unread = b""

    def run(self) -> None:
        """Serve until the sandbox is gone."""
        wake_up, waker = socket.socketpair()
        for end in (wake_up, waker):
            end.setblocking(False)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        with selectors.DefaultSelector() as selector:
            for source in (self._control, wake_up, self._sandbox):
                selector.register(source, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select(_LOOK_AT_LOGS_EVERY if self._logs else None)}
                if self._sandbox in ready or (self._control in ready and not self._hear()):
                    return
                if wake_up in ready:
                    with contextlib.suppress(BlockingIOError):
                        wake_up.recv(4096)
                self._bury()
                for log in self._logs.values():
                    _cut(log)

    def end(self) -> None:
        """Kill everything that was ever started here, also what left its process group, until nothing is left."""
        signal.set_wakeup_fd(-1)
        while children := _children():
            for pid in children:
                _kill(pid, signal.SIGKILL)
            for _ in children:
                os.waitpid(-1, 0)

    def _hear(self) -> bool:
        data = self._control.recv(65_536)
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            command = json.loads(line)
            if command["do"] == "start":
                self._start(command)
            else:
                self._signal(command)
        return bool(data)

    def _start(self, command: Message) -> None:
        name = command["name"]
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._become(command, writer)
        os.close(writer)
        with os.fdopen(reader) as complaint:
            why = complaint.read()
        if why:
            os.waitpid(pid, 0)
            self._say({"name": name, "failed": why})
            return
        self._names[pid], self._pids[name], self._logs[pid] = name, pid, command["log"]
        self._say({"name": name, "started": pid})

    def _become(self, command: Message, complaint: int) -> None:
        """In the forked child: turn into the pod's process, or write why not and exit."""
        try:
            os.setsid()
            self._libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGPIPE, signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            log = os.open(command["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(log, 1)
            os.dup2(log, 2)
            os.execvpe(command["argv"][0], command["argv"], command["env"])  # noqa: S606 -- no shell is the point
        except OSError as error:
            os.write(complaint, str(error).encode())
        finally:
            os._exit(_NOT_FOUND)

    def _signal(self, command: Message) -> None:
        pid = self._pids.get(command["name"])
        if pid is not None:
            _kill(-pid if command["group"] else pid, command["signal"])

    def _bury(self) -> None:
        while True:
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if found is None:
                return
            # As when a container's first process ends: the rest of it dies too. The number is still ours until we wait.
            if found.si_pid in self._names:
                _kill(-found.si_pid, signal.SIGKILL)
            _, status = os.waitpid(found.si_pid, 0)
            name = self._names.pop(found.si_pid, None)
            self._logs.pop(found.si_pid, None)
            if name is None:
                continue
            if self._pids.get(name) == found.si_pid:
                del self._pids[name]
            killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
            code = 128 + killed if killed else os.WEXITSTATUS(status)
            self._say({"name": name, "exited": found.si_pid, "code": code, "signal": killed, "at": time.time()})

    def _say(self, message: Message) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # nobody listens any more: run() ends next
            self._control.sendall(json.dumps(message).encode() + b"\n")


def _children() -> list[int]:
    """All processes whose parent is this one, read from /proc (a process group would miss those that left theirs)."""
    me, found = str(os.getpid()), []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if stat.read_text(errors="replace").rpartition(")")[2].split()[1] == me:
                found.append(int(stat.parent.name))
    return found


def _cut(log: str) -> None:
    """Shorten a log that has grown too long. Its writer appends, so it goes on behind what is left."""
    with contextlib.suppress(FileNotFoundError):
        path = Path(log)
        if path.stat().st_size > _LOG_LIMIT:
            with path.open("rb") as file:
                file.seek(-_LOG_LIMIT // 2, os.SEEK_END)
                newer = file.read().partition(b"\n")[2]
            os.truncate(path, 0)
            with path.open("ab") as file:
                file.write(newer)


def _kill(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if pid < 0:
            os.killpg(-pid, number)
        else:
            os.kill(pid, number)


def main(descriptor: str, sandbox: str, folder: str) -> None:
    """Own the processes of the sandbox with this process id; `folder` holds their logs and goes with them."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # a Ctrl-C is for the sandbox, which then closes the socket
    warden = Warden(socket.socket(fileno=int(descriptor)), int(sandbox))
    try:
        warden.run()
    finally:
        warden.end()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
