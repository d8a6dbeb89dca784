"""What lies in a commit where documents are expected, found without a work tree."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import git

from gate.catalogue.folder import ENDINGS, FOLDERS

SUBMODULE = stat.S_IFDIR | stat.S_IFLNK
"""Of git's own making: the mode of a commit of another repository."""

LENGTH = 20
"""Bytes of the id of an object."""


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
            return "is a link; put the document itself here"
        if self.path in FOLDERS:
            return "is a file; this must be a folder with documents"
        if not self.path.isprintable():
            return "has letters in its name that cannot be shown; rename it"
        if {".", "..", ""} & set(self.path.split("/")):
            return "leads out of its folder; a path has no . and no .."
        return ""


def entries(repo: git.Repo, revision: str) -> Iterator[Entry]:
    """Everything in the folders of a catalogue, in the order of the paths; the folders in them, too.

    A small repository can have very many, for a folder may stand in many places: stop when there are enough.
    """
    root = _inside(repo, "", repo.commit(revision).tree.binsha)
    left = [each for each in reversed(root) if each.path in FOLDERS]
    while left:
        entry = left.pop()
        yield entry
        if entry.is_folder:
            left += reversed(_inside(repo, f"{entry.path}/", entry.sha))


def _inside(repo: git.Repo, path: str, sha: bytes) -> list[Entry]:
    """Read from the bytes: of a folder with a name that is none, GitPython would give nothing at all."""
    data: bytes = repo.odb.stream(sha).read()
    found, at = [], 0
    while at < len(data):
        end = data.index(b"\0", at)
        mode, _, name = data[at:end].partition(b" ")
        at = end + 1 + LENGTH
        entry = Entry(path=path + name.decode(errors="surrogateescape"), mode=int(mode, 8), sha=data[end + 1 : at])
        found.append(entry)
    return found
