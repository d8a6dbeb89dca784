"""Pods' processes live no longer than the sandbox, however it ends."""

import fcntl
import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from gate.sandbox.kubernetes.runtime.processes import Beside, Exit, Processes, StartFailed

PATIENCE = 30.0
FOREVER = "import signal; print('up', flush=True); signal.pause()"


@pytest.fixture
def exits() -> "queue.SimpleQueue[Exit]":
    return queue.SimpleQueue()


@pytest.fixture
def processes(exits) -> Iterator[Processes]:
    with Processes(exited=exits.put) as processes:
        yield processes


def python(program: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", program]


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def is_alive(pid: int) -> bool:
    """A process that is dead but not yet buried by its parent counts as dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_process_gets_exactly_its_environment_and_its_output_is_kept(processes, exits):
    log = processes.folder / "log"
    program = "import os, sys; print(sorted(os.environ), flush=True); print('err', file=sys.stderr); sys.exit(3)"
    processes.start("a", python(program), env={"PATH": "/bin", "LC_ALL": "C"}, log=log)
    ended = exits.get(timeout=PATIENCE)
    assert (ended.name, ended.code, ended.signal) == ("a", 3, 0)
    assert log.read_text() == "['LC_ALL', 'PATH']\nerr\n"


def test_a_command_that_does_not_exist_is_an_error_with_the_reason(processes):
    with pytest.raises(StartFailed, match="no such file"):
        processes.start("a", ["/no/such/program"], env={}, log=processes.folder / "log")


def test_killing_a_process_kills_what_it_has_started(processes, exits):
    log = processes.folder / "log"
    program = f"import subprocess, signal; print(subprocess.Popen({python(FOREVER)!r}).pid, flush=True); signal.pause()"
    processes.start("a", python(program), env={}, log=log)
    assert eventually(lambda: "up" in log.read_text())
    grandchild = int(log.read_text().split()[0])
    processes.kill("a")
    assert exits.get(timeout=PATIENCE).code == 128 + signal.SIGKILL
    assert eventually(lambda: not is_alive(grandchild))


def test_the_rest_of_a_container_dies_with_its_first_process(processes, exits):
    log = processes.folder / "log"
    program = f"import subprocess; print(subprocess.Popen({python(FOREVER)!r}).pid, flush=True)"
    processes.start("a", python(program), env={}, log=log)
    assert exits.get(timeout=PATIENCE).code == 0
    grandchild = int(log.read_text().split()[0])
    assert eventually(lambda: not is_alive(grandchild))


ESCAPE = f"""
import subprocess
print(subprocess.Popen({python(FOREVER)!r}, start_new_session=True, env={{}}).pid, flush=True)
"""
"""Leaves a process in a session of its own, with an empty environment."""


def test_what_has_left_the_group_and_the_environment_dies_with_the_container(processes, exits):
    log = processes.folder / "log"
    processes.start("a", python(ESCAPE), env={}, log=log)
    assert exits.get(timeout=PATIENCE).code == 0
    assert not is_alive(int(log.read_text().split()[0]))


def test_what_a_command_has_left_behind_dies_with_the_container_and_not_before(processes, exits):
    log = processes.folder / "log"
    processes.start("a", python(FOREVER), env={}, log=processes.folder / "other")
    processes.start("a/command", python(ESCAPE), env={}, log=log, room=Beside(name="a"))
    assert exits.get(timeout=PATIENCE).name == "a/command"
    escaped = int(log.read_text().split()[0])
    assert is_alive(escaped)
    processes.kill("a")
    assert exits.get(timeout=PATIENCE).name == "a"
    assert not is_alive(escaped)


def test_what_has_left_the_group_of_another_container_lives_on(processes, exits):
    log = processes.folder / "log"
    processes.start("other", python(f"{ESCAPE}\n{FOREVER}"), env={}, log=log)
    assert eventually(lambda: len(log.read_text().split()) > 1)
    processes.start("a", python(ESCAPE), env={}, log=processes.folder / "escaped")
    assert exits.get(timeout=PATIENCE).name == "a"
    assert is_alive(int(log.read_text().split()[0]))


@pytest.mark.parametrize("lines", [1, 8])
def test_what_forks_all_the_time_dies_with_the_container(processes, exits, lines):
    """Each of them holds the lock, by a descriptor that it has inherited: it is free when none of them lives."""
    lock = processes.folder / "lock"
    hop = "import os\nwhile not os.fork() or os._exit(0): os.setsid()"
    program = f"""
import fcntl, subprocess, signal
held = open({str(lock)!r}, "w")
fcntl.flock(held, fcntl.LOCK_EX)
for _ in range({lines}):
    subprocess.Popen({python(hop)!r}, start_new_session=True, pass_fds=[held.fileno()])
print("up", flush=True)
signal.pause()
"""
    log = processes.folder / "log"
    processes.start("a", python(program), env={}, log=log)
    assert eventually(lambda: log.read_text() == "up\n")
    processes.kill("a")
    assert exits.get(timeout=PATIENCE).name == "a"
    with lock.open() as ours:
        assert eventually(lambda: is_free(ours))


def is_free(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


SANDBOX = """
import os, signal, sys
from gate.sandbox.kubernetes.runtime.processes import Processes
signal.signal(signal.SIGINT, signal.default_int_handler)  # what is started in the background ignores it
processes = Processes(exited=print)
forever = [sys.executable, "-I", "-S", "-c", "import signal; signal.pause()"]
escaping = [sys.executable, "-I", "-S", "-c", '''
import subprocess, signal, sys
forever = [sys.executable, "-I", "-S", "-c", "import signal; signal.pause()"]
print(subprocess.Popen(forever, start_new_session=True).pid, flush=True)
signal.pause()
''']
pid = processes.start("plain", forever, env={}, log=processes.folder / "plain")
other = processes.start("escaping", escaping, env={}, log=processes.folder / "escaping")
while not (processes.folder / "escaping").read_text():
    os.sched_yield()
print(processes.folder, pid, other, (processes.folder / "escaping").read_text().strip(), flush=True)
signal.pause()
"""


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_survives_a_sandbox_that_is_killed(death):
    with subprocess.Popen(
        [sys.executable, "-c", SANDBOX], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as sandbox:
        folder, *pids = sandbox.stdout.readline().split()
        assert len(pids) == 3
        assert all(is_alive(int(pid)) for pid in pids)
        sandbox.send_signal(death)
        sandbox.wait()
    assert eventually(lambda: not any(is_alive(int(pid)) for pid in pids))
    assert eventually(lambda: not Path(folder).exists())


def test_processes_die_even_when_their_warden_is_killed(exits):
    processes = Processes(exited=exits.put)
    pid = processes.start("a", python(FOREVER), env={}, log=processes.folder / "log")
    warden = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(warden, signal.SIGKILL)
    assert eventually(lambda: not is_alive(pid))
    processes.close()


def test_a_log_does_not_grow_for_ever_and_keeps_the_newest_lines(processes):
    log = processes.folder / "log"
    program = """
import signal
for n in range(0, 600_000, 1000):
    print("\\n".join(f"line {n + more:08}" for more in range(1000)))
print("last", flush=True)
signal.pause()
"""
    processes.start("a", python(program), env={}, log=log)
    assert eventually(lambda: log.exists() and log.read_bytes()[-5:] == b"last\n" and log.stat().st_size < 5_000_000)
    assert log.read_text().splitlines()[-2:] == ["line 00599999", "last"]
