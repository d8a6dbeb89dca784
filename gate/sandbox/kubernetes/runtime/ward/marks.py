"""The mark by which all processes of a container are known, whichever session, parent or environment they have taken.

It is a resource limit: children inherit those through fork and exec, `env -i` does not take them away, and the
environment of the pod's processes stays exactly what the pod says. The limit is for the time that a real-time process
may run without a pause; ours is tens of thousands of years and of a length that nobody else has.
"""

import contextlib
import os
import resource
import signal
from pathlib import Path

_LIMIT = resource.RLIMIT_RTTIME
_MOST = 2**62
_LEAST = 2**40
"""Microseconds. Among fewer lengths than these, somebody else could have ours; rather no mark then."""


def new() -> int:
    """A mark that nobody has and nobody can guess, below the limit that we have ourselves (who may not raise it)."""
    ours = resource.getrlimit(_LIMIT)[1]
    half = max(_MOST if ours == resource.RLIM_INFINITY else min(ours, _MOST), _LEAST) // 2
    return half + int.from_bytes(os.urandom(8), "big") % half


def put_on(mark: int) -> None:
    """Mark this process and all its children to come.

    Where the system does not let us (gVisor, or somebody has set the limit very low), they stay without a mark.
    """
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(_LIMIT, (mark, mark))


def kill_bearers(mark: int) -> bool:
    """Kill each process that bears the mark; whether there was one that had not ended before.

    One walk of /proc, the newest processes first: what forks and ends all the time is found while it is still there.
    """
    found = False
    for pid in sorted((int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()), reverse=True):
        if _bears(pid, mark):
            found |= _kill(pid, mark)
    return found


def _bears(pid: int, mark: int) -> bool:
    try:
        return resource.prlimit(pid, _LIMIT)[1] == mark
    except OSError:  # it has ended, or belongs to somebody else
        return False


def _kill(pid: int, mark: int) -> bool:
    """Kill this one, and no other: the descriptor stays with it, even when its number is given away meanwhile."""
    try:
        process = os.pidfd_open(pid)
    except OSError:
        return True  # it has just ended, perhaps leaving a child: that asks for another walk
    try:
        if not _bears(pid, mark) or _has_ended(pid):
            return False
        signal.pidfd_send_signal(process, signal.SIGKILL)
    except OSError:
        return True
    finally:
        os.close(process)
    return True


def _has_ended(pid: int) -> bool:
    """Whether only its parent's asking for its exit code is missing."""
    return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] in (b"Z", b"X")
