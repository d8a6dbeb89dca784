"""What lies in a commit where documents are expected, found without a work tree."""

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from gate.catalogue.folder import ENDINGS, FOLDERS, LINK
from gate.catalogue.objects import Objects
from gate.errors import Permanent

SUBMODULE = stat.S_IFDIR | stat.S_IFLNK
"""Of git's own making: the mode of a commit of another repository."""

LENGTH = 20
"""Bytes of the id of an object."""
LONGEST = 1000
"""Letters of a path."""
DEEPEST = 40
"""Levels of folders."""
MOST_OF_NAMES = 5_000_000
"""Bytes of the commit and of all folders together, with the names of what is in them."""
_MODE = re.compile(rb"[0-7]{1,6}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file, or what stands in place of one."""

    path: str
    mode: int
    sha: bytes

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.mode)

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.mode)

    @property
    def is_expected(self) -> bool:
        """A document, or what may hide some: a link, or a submodule."""
        suffix = PurePosixPath(self.path).suffix
        return not self.is_file or suffix in ENDINGS or self.path in FOLDERS

    @property
    def wrong(self) -> str:
        """Why it cannot be read, whatever is in it; empty if it can."""
        if stat.S_IFMT(self.mode) == SUBMODULE:
            return "is a submodule; put the documents themselves here"
        if not self.is_file:
            return LINK
        if self.path in FOLDERS:
            return "is a file; this must be a folder with documents"
        if not self.path.isprintable():
            return "has letters in its name that cannot be shown; rename it"
        if {".", "..", ""} & set(self.path.split("/")):
            return "leads out of its folder; a path has no . and no .."
        return ""


def entries(objects: Objects, revision: str, most: int) -> Iterator[Entry]:
    """Everything in the folders of a catalogue, in the order of the paths; the folders in them, too.

    A small repository can have very many, for a folder may stand in many places. Raises `Permanent` for more than
    `most` and for what else nobody should follow, `Lacking` for what is not there.
    """
    walk = _Walk(objects)
    root = [each for each in walk.inside("", walk.root(revision)) if each.path in FOLDERS]
    left, found = [iter(root)], 0
    while left:
        entry = next(left[-1], None)
        if entry is None:
            left.pop()
            continue
        found += 1
        if found > most:
            raise Permanent(f"has more than {most} files")
        yield entry
        if entry.is_folder:
            if len(left) == DEEPEST:
                raise Permanent(f"has folders in more than {DEEPEST} levels, as {_shortened(entry.path)}")
            left.append(walk.inside(f"{entry.path}/", entry.sha))


class _Walk:
    """Reads folders from their bytes: of one with a name that is none, GitPython would give nothing at all."""

    def __init__(self, objects: Objects) -> None:
        self._objects, self._left = objects, MOST_OF_NAMES

    def root(self, revision: str) -> bytes:
        word, _, rest = self._data(bytes.fromhex(revision)).partition(b" ")
        return bytes.fromhex(rest[: 2 * LENGTH].decode("ascii")) if word == b"tree" else b""

    def inside(self, path: str, sha: bytes) -> Iterator[Entry]:
        data, at = self._data(sha), 0
        while at < len(data):
            end = data.find(b"\0", at)
            mode, _, name = data[at:end].partition(b" ")
            at = end + 1 + LENGTH
            if end < 0 or at > len(data) or not _MODE.fullmatch(mode):
                raise Permanent(f"has a folder that cannot be read: {_shortened(path) or 'that of all others'}")
            if len(path) + len(name) > LONGEST:
                raise Permanent(f"has a path of more than {LONGEST} letters, {_shortened(path)}")
            yield Entry(path=path + name.decode(errors="surrogateescape"), mode=int(mode, 8), sha=data[end + 1 : at])

    def _data(self, sha: bytes) -> bytes:
        self._left -= self._objects.size(sha)
        if self._left < 0:
            raise Permanent(f"has more than {MOST_OF_NAMES} bytes of names alone")
        return self._objects.data(sha)


def _shortened(path: str) -> str:
    return ascii(path[:60])[1:-1] + ("..." if len(path) > 60 else "")
