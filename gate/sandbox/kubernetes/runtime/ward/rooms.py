"""Gives a process files and a host name of its own, without privileges: namespaces of Linux, entered before exec.

The machine's files stay what they are. Where a mount point is missing, its folder gets a stand-in: a small file system
in memory that shows the folder's entries and the new one beside them, and that only this process and its children see.
"""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gate.sandbox.kubernetes.runtime.ward import linux
from gate.sandbox.kubernetes.runtime.ward.linux import Mount, Namespace

_FLAGS_KEPT = {
    os.ST_NOSUID: 0x2,
    os.ST_NODEV: 0x4,
    os.ST_NOEXEC: 0x8,
    os.ST_NOATIME: 0x400,
    os.ST_NODIRATIME: 0x800,
    os.ST_RELATIME: 0x20_0000,
}
"""What statvfs says of a mount, and the flag of mount(2) for it: a remount must not take them away."""

_NAMESPACES = ("user", "uts", "mnt")
"""In the order in which they are joined: the first gives the right to the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A file or folder of the machine, as the process shall see it at another place."""

    source: str
    target: str
    read_only: bool = False


def join(pid: int) -> None:
    """Move this process into the room that the process `pid` has; nothing happens if that has none of its own."""
    found = []
    for kind in _NAMESPACES:
        theirs = os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)
        if not os.path.samestat(os.fstat(theirs), Path(f"/proc/self/ns/{kind}").stat()):
            found.append(theirs)
    for namespace in found:
        linux.enter(namespace)


class Building:
    """The room of this process, while it is built; this process must have one thread.

    OSError wherever the kernel does not let us have namespaces, or something cannot be put in its place.
    """

    def __init__(self, host_name: str, base: Path) -> None:
        """`base` is an empty folder to build in."""
        _leave_the_common_room()
        linux.set_host_name(host_name)
        linux.mount(None, "/", Mount.PRIVATE | Mount.WITH_ALL_BELOW)
        self._memory: set[int] = set()
        """The devices of the stand-ins."""
        self._placed: list[Path] = []
        self._base = base

    def furnish(self, shares: Sequence[Share]) -> None:
        """Put every share in its place."""
        shares = sorted(shares, key=lambda share: share.target)
        # All sources are opened first: a share may hide the place where another one's source is.
        sources = [os.open(share.source, os.O_PATH | os.O_CLOEXEC) for share in shares]
        for share, source in zip(shares, sources, strict=True):
            self._place(share, source)
            os.close(source)

    def provide_folder(self, path: Path) -> None:
        """Make a folder that is perhaps missing, in this room only."""
        path = path.resolve()
        if not path.is_dir():
            self._make_writable(path.parent)
            path.mkdir()

    def _provide_file(self, path: Path) -> None:
        if not path.exists():
            self._make_writable(path.parent)
            path.touch()

    def _place(self, share: Share, source: int) -> None:
        target = Path(share.target).resolve()
        if stat.S_ISDIR(os.fstat(source).st_mode):
            self.provide_folder(target)
        else:
            self._provide_file(target)
        linux.mount(f"/proc/self/fd/{source}", str(target), Mount.BIND | Mount.WITH_ALL_BELOW)
        if share.read_only:
            now = os.statvfs(target).f_flag
            kept = sum(flag for known, flag in _FLAGS_KEPT.items() if now & known)
            linux.mount(None, str(target), Mount(kept) | Mount.REMOUNT | Mount.BIND | Mount.READ_ONLY)
        self._placed.append(target)

    def _make_writable(self, folder: Path) -> None:
        """Have the folder, and see to it that what is made in there appears nowhere else (but in what is shared)."""
        self.provide_folder(folder)
        if folder.stat().st_dev in self._memory or any(folder.is_relative_to(share) for share in self._placed):
            return
        if folder == folder.parent:
            self._stand_in_for_root()
        else:
            self._stand_in_for(folder)

    def _stand_in_for(self, folder: Path) -> None:
        before = os.open(folder, os.O_PATH | os.O_CLOEXEC)
        self._mount_memory(folder)
        _show(before, folder)
        os.close(before)

    def _stand_in_for_root(self) -> None:
        """A new root that shows the entries of the old one; unbindable, so that it does not appear in itself."""
        base = self._base
        self._mount_memory(base)
        linux.mount(None, str(base), Mount.UNBINDABLE)
        root = os.open("/", os.O_PATH | os.O_CLOEXEC)
        _show(root, base)
        os.close(root)
        os.chdir(base)
        linux.mount(str(base), "/", Mount.MOVE)
        os.chroot(".")
        os.chdir("/")

    def _mount_memory(self, at: Path) -> None:
        mode = stat.S_IMODE(at.stat().st_mode)
        linux.mount("chaos-gate", str(at), Mount(0), kind="tmpfs", options=f"mode={mode:o}")
        self._memory.add(at.stat().st_dev)


def _leave_the_common_room() -> None:
    """With the right to mount, namespaces for files and name are enough; without, one for users gives that right."""
    try:
        linux.unshare(Namespace.MOUNT | Namespace.HOST_NAME)
    except PermissionError:
        user, group = os.geteuid(), os.getegid()
        linux.unshare(Namespace.USER | Namespace.MOUNT | Namespace.HOST_NAME)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def _show(before: int, folder: Path) -> None:
    """Let each entry of the folder behind the descriptor appear in `folder` as well."""
    for old in Path(f"/proc/self/fd/{before}").iterdir():
        new = folder / old.name
        if old.is_symlink():
            new.symlink_to(old.readlink())
            continue
        if old.is_dir():
            new.mkdir()
        else:
            new.touch()
        linux.mount(str(old), str(new), Mount.BIND | Mount.WITH_ALL_BELOW)
