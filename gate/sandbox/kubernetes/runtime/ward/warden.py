"""The process that owns the pods' processes, so that none of them outlives the sandbox, however the sandbox ends.

Started by `processes.py` with the standard library only: it stays small, has one thread (so that it may fork), and
adopts what its children leave behind. It reads one JSON command a line from a socket and answers in kind:

    {"do": "start", "name", "argv", "env", "folder", ...}  -> {"name", "started": pid}  or  {"name", "failed", "stage"}
    {"do": "signal", "name", "signal", "group"}            -> (nothing)
    whenever a process ends                                -> {"name", "exited": pid, "code", "signal", "at"}

Where the output goes is one of `log` (a file), `journal` (a file of lines with times), or `streams`: then the three
descriptors for input, output and errors come with the command, and `terminal` says that they are one. `room` is what a
process gets of its own (see `rooms.py`), `beside` the name of one whose room it shares, and with which it ends.

When the socket is closed or the sandbox is gone (also by SIGKILL: a pidfd tells), it kills all it has and removes the
logs. Should the warden itself be killed, the kernel kills the processes (PR_SET_PDEATHSIG).
"""

import contextlib
import errno
import fcntl
import json
import os
import selectors
import shutil
import signal
import socket
import termios
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gate.sandbox.kubernetes.runtime.ward import children, linux, marks, rooms
from gate.sandbox.kubernetes.runtime.ward.journal import Journal

Message = dict[str, Any]

_NOT_FOUND = 127
_STREAMS = 3
_LOG_LIMIT = 4 * 1024 * 1024
"""Bytes that a log may have; of a longer one the newer half is kept."""
_LOOK_AT_LOGS_EVERY = 1.0
_ROUNDS = 50
_BETWEEN_ROUNDS = 0.001
"""Seconds that killed processes have to vanish, before the next round looks for them."""
_GO_AGAIN_AFTER = 0.1
"""Seconds after which those are gone for again that so many rounds have not brought down."""


@dataclass(slots=True, kw_only=True)
class Ward:
    """A process of ours."""

    name: str
    mark: int
    """What all processes bear that come from it (see `marks.py`); with `beside`, the mark of that one."""
    log: str | None = None
    journal: Journal | None = None
    beside: int | None = None
    """The process with which it ends."""


class Warden:
    """Starts, signals and buries processes; see the module's text for what it hears and says."""

    def __init__(self, control: socket.socket, sandbox: int) -> None:
        self._control = control
        self._sandbox = os.pidfd_open(sandbox)
        linux.adopt_orphans()
        self._wards: dict[int, Ward] = {}
        self._pids: dict[str, int] = {}
        self._restless: set[int] = set()
        """Marks of containers that have ended, and have left something that is not dead yet."""
        self._unread = b""
        self._streams: deque[int] = deque()
        self._selector = selectors.DefaultSelector()

    def run(self) -> None:
        """Serve until the sandbox is gone."""
        wake_up, waker = socket.socketpair()
        for end in (wake_up, waker):
            end.setblocking(False)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        sources: tuple[socket.socket | int, ...] = (self._control, wake_up, self._sandbox)
        for source in sources:
            self._selector.register(source, selectors.EVENT_READ)
        while True:
            logs = [ward.log for ward in self._wards.values() if ward.log]
            patience = _GO_AGAIN_AFTER if self._restless else _LOOK_AT_LOGS_EVERY if logs else None
            ready = {key.fileobj for key, _ in self._selector.select(patience)}
            if self._sandbox in ready or (self._control in ready and not self._hear()):
                return
            if wake_up in ready:
                with contextlib.suppress(BlockingIOError):
                    wake_up.recv(4096)
            for journal in ready:
                if isinstance(journal, Journal) and not journal.take():
                    self._selector.unregister(journal)
            self._bury()
            for mark in tuple(self._restless):
                self._clear(mark)
            for log in logs:
                _cut(log)

    def end(self) -> None:
        """Kill everything that was ever started here, also what left its process group, until nothing is left."""
        signal.set_wakeup_fd(-1)
        while ours := children.newest_first():
            for pid in ours:
                _kill(pid, signal.SIGKILL)
            for _ in ours:
                os.waitpid(-1, 0)

    def _hear(self) -> bool:
        data, descriptors, _, _ = socket.recv_fds(self._control, 65_536, 64, socket.MSG_CMSG_CLOEXEC)
        self._streams.extend(descriptors)
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
        streams = [self._streams.popleft() for _ in range(_STREAMS)] if command["streams"] else []
        beside = self._pids.get(command["beside"]) if command["beside"] else None
        mark = marks.new() if beside is None else self._wards[beside].mark
        reader, writer = os.pipe()
        journal, output = _journal(command)
        pid = os.fork()
        if pid == 0:
            marks.put_on(mark)
            _become(command, streams or [os.open(os.devnull, os.O_RDONLY), output, output], beside, writer)
        for descriptor in (writer, output, *streams):
            if descriptor is not None:
                os.close(descriptor)
        with os.fdopen(reader) as complaint:
            why = complaint.read()
        if why:
            os.waitpid(pid, 0)
            if journal is not None:
                journal.close()
            self._say({"name": name, **json.loads(why)})
            return
        if journal is not None:
            self._selector.register(journal, selectors.EVENT_READ)
        self._wards[pid] = Ward(name=name, mark=mark, log=command["log"], journal=journal, beside=beside)
        self._pids[name] = pid
        self._say({"name": name, "started": pid})

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
            pid = found.si_pid
            if pid in self._wards:
                for group in (pid, *(other for other, ward in self._wards.items() if ward.beside == pid)):
                    _kill(-group, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            ward = self._wards.pop(pid, None)
            if ward is None:
                continue
            if ward.beside is None:
                self._clear(ward.mark)
            if ward.journal is not None:
                self._close(ward.journal)
            if self._pids.get(ward.name) == pid:
                del self._pids[ward.name]
            killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
            code = 128 + killed if killed else os.WEXITSTATUS(status)
            self._say({"name": ward.name, "exited": pid, "code": code, "signal": killed, "at": time.time()})

    def _clear(self, mark: int) -> None:
        """Kill what is left of a container, wherever it went; what is just forking needs more than one round."""
        for _ in range(_ROUNDS):
            if not self._kill_bearers(mark):
                self._restless.discard(mark)
                return
            time.sleep(_BETWEEN_ROUNDS)
        self._restless.add(mark)

    def _kill_bearers(self, mark: int) -> bool:
        """Kill those of our children that bear the mark, and bury them; whether there were any, dead ones included.

        The topmost of what a container has left is always our child: if there is none, there is nothing. A dead one
        counts, because it may have been alive when the list was begun and have left a child when it was done. Only
        of the commands run beside a container, which are buried with words, we know that they were dead before.
        """
        dead = {pid for pid, ward in self._wards.items() if ward.mark == mark and _has_ended(pid)}
        # The newest first, and each as soon as it is known: it has perhaps not forked yet.
        found = [pid for pid in children.newest_first() if pid not in dead and _kill_bearer(pid, mark)]
        for pid in found:
            if pid not in self._wards:
                os.waitpid(pid, os.WNOHANG)
        return bool(found)

    def _close(self, journal: Journal) -> None:
        with contextlib.suppress(KeyError):  # it had ended before
            self._selector.unregister(journal)
        journal.close()

    def _say(self, message: Message) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # nobody listens any more: run() ends next
            self._control.sendall(json.dumps(message).encode() + b"\n")


def _journal(command: Message) -> tuple[Journal | None, int | None]:
    """Where the output goes that is not streamed: the journal that reads it, if it is one, and the end to write to."""
    if command["journal"]:
        source, sink = os.pipe()
        return Journal(source, Path(command["journal"])), sink
    if command["log"]:
        return None, os.open(command["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    return None, None


def _become(command: Message, streams: list[Any], beside: int | None, complaint: int) -> None:
    """In the forked child: turn into the process that is asked for, or write why not and exit."""
    stage = "room"
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGPIPE, signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        for target, stream in enumerate(streams):
            os.dup2(stream, target)
        if command["terminal"]:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        if command["beside"]:
            if beside is None:
                raise ProcessLookupError(errno.ESRCH, "the container is not running")
            rooms.join(beside)
        elif command["room"]:
            _build(command["room"], command["folder"])
        stage = "folder"
        if command["folder"]:
            os.chdir(command["folder"])
        stage = "program"
        linux.die_with_parent(signal.SIGKILL)
        # What lives on when a command has ended may not hold its streams open: nobody would hear of the end.
        os.closerange(_STREAMS, complaint)
        os.closerange(complaint + 1, os.sysconf("SC_OPEN_MAX"))
        os.execvpe(command["argv"][0], command["argv"], command["env"])  # noqa: S606 -- no shell is the point
    except OSError as error:
        os.write(complaint, json.dumps({"failed": _reason(error, stage, command["argv"][0]), "stage": stage}).encode())
    finally:
        os._exit(_NOT_FOUND)


def _build(room: Message, folder: str | None) -> None:
    building = rooms.Building(room["host_name"], Path(room["base"]))
    building.furnish([rooms.Share(**share) for share in room["shares"]])
    if folder:
        building.provide_folder(Path(folder))


def _reason(error: OSError, stage: str, program: str) -> str:
    """Why not, in the words of a container runtime."""
    why = str(error.strerror or error).lower()
    if stage != "program":
        return why
    if isinstance(error, FileNotFoundError) and "/" not in program:
        why = "executable file not found in $PATH"
    return f'exec: "{program}": {why}'


def _kill_bearer(pid: int, mark: int) -> bool:
    """Kill this child if it bears the mark, and say whether it does; its number is its own until we wait for it."""
    bears = marks.is_on(pid, mark)
    if bears:
        _kill(pid, signal.SIGKILL)
    return bears


def _has_ended(pid: int) -> bool:
    """Whether this child is dead and only waits for us."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _cut(log: str) -> None:
    """Shorten a log that has grown too long. Its writer appends, so it goes on behind what is left.

    What it writes in this very moment may be lost, or come first.
    """
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
