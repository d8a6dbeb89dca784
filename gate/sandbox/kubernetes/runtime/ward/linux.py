"""The system calls that Python 3.11 has no functions for; an OSError says which call failed, and about what."""

import ctypes
import os
from enum import IntFlag

_libc = ctypes.CDLL(None, use_errno=True)

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


class Namespace(IntFlag):
    """What a process can have of its own (sched.h)."""

    MOUNT = 0x0002_0000
    HOST_NAME = 0x0400_0000
    USER = 0x1000_0000


class Mount(IntFlag):
    """How to mount (sys/mount.h)."""

    READ_ONLY = 0x1
    REMOUNT = 0x20
    BIND = 0x1000
    MOVE = 0x2000
    WITH_ALL_BELOW = 0x4000
    UNBINDABLE = 0x2_0000
    PRIVATE = 0x4_0000


def unshare(what: Namespace) -> None:
    """Leave these namespaces for new ones."""
    _done("unshare", _libc.unshare(int(what)), str(what))


def enter(namespace: int) -> None:
    """Join the namespace behind this descriptor of a file in /proc/PID/ns."""
    _done("setns", _libc.setns(namespace, 0))


def mount(source: str | None, target: str, how: Mount, *, kind: str | None = None, options: str | None = None) -> None:
    arguments = [None if each is None else os.fsencode(each) for each in (source, target, kind)]
    data = None if options is None else options.encode()
    _done("mount", _libc.mount(*arguments, ctypes.c_ulong(int(how)), data), target)


def set_host_name(name: str) -> None:
    text = name.encode()
    _done("sethostname", _libc.sethostname(text, ctypes.c_size_t(len(text))), name)


def die_with_parent(signal: int) -> None:
    """Have the kernel send this signal when the thread that started this process ends."""
    _done("prctl", _libc.prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0))


def adopt_orphans() -> None:
    """Become the parent of whatever this process' children leave behind."""
    _done("prctl", _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))


def _done(call: str, result: int, about: str = "") -> None:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}{f' {about}' if about else ''}: {os.strerror(number).lower()}")
