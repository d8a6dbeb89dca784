"""The mark by which all processes of a container are known, whichever session, parent or environment they have taken.

It is a resource limit: children inherit those through fork and exec, `env -i` does not take them away, and the
environment of the pod's processes stays exactly what the pod says. The limit is for the time that a real-time process
may run without a pause; ours is tens of thousands of years and of a length that nobody else has.
"""

import contextlib
import os
import resource

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


def is_on(pid: int, mark: int) -> bool:
    """Whether this child of ours bears the mark; one that has ended does until we have waited for it."""
    try:
        return resource.prlimit(pid, _LIMIT)[1] == mark
    except OSError:  # it belongs to somebody else
        return False
