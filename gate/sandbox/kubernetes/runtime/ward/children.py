"""The processes whose parent is this one, the one that came last first.

All that was started here and has lost its parent is among them, because this process adopts it; and all stay among
them, dead ones too, until this process waits for them. That makes the answer more than a glance: a process that ends
while the answer is put together still stands in it, and what it has left behind stands there the next time.
"""

import contextlib
import os
from pathlib import Path


def newest_first() -> list[int]:
    try:
        return told()
    except FileNotFoundError:  # a kernel that was built without this file
        return searched()


def told() -> list[int]:
    """As the kernel tells, in microseconds: that is faster than a program that forks and ends all the time."""
    with Path(f"/proc/self/task/{os.getpid()}/children").open("rb", buffering=0) as file:
        return [int(pid) for pid in reversed(file.read().split())]


def searched() -> list[int]:
    """Found among all processes of the machine (a process group would miss those that have left theirs)."""
    me, found = str(os.getpid()), []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if stat.read_text(errors="replace").rpartition(")")[2].split()[1] == me:
                found.append(int(stat.parent.name))
    return sorted(found, reverse=True)
