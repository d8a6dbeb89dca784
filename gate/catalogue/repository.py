"""The catalogue's git repository: a bare mirror that is fetched now and then, and read at a commit.

No work tree, no hooks, no submodules, no links: only blobs, whose content is parsed once for each blob.
"""

import os
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import git

from gate.catalogue.folder import ENDINGS, FOLDERS
from gate.documents.catalogue import Catalogue
from gate.documents.loading import LARGEST, Broken, Loaded, load
from gate.documents.vocabulary import Vocabulary
from gate.errors import BadDocument, Permanent, Place, Temporary

MOST_FILES = 10_000
FETCH_TIMEOUT = 30.0
"""Seconds."""

_QUIET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "core.hooksPath",
    "GIT_CONFIG_VALUE_0": os.devnull,
    "GIT_HTTP_LOW_SPEED_LIMIT": "1",
    "GIT_HTTP_LOW_SPEED_TIME": "20",
    "LC_ALL": "C",
}
"""Never ask anybody anything, never wait for ever, and do nothing that this machine's own settings would add."""
_UNLESS_SAID_OTHERWISE = {"GIT_ASKPASS": "true", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=10"}
"""How to authenticate may be said by the environment; but never by a person at a prompt."""


class Repository:
    """A mirror of one branch. Used by one thread."""

    def __init__(self, address: str, branch: str, folder: Path, vocabulary: Vocabulary) -> None:
        """`folder` holds the mirror and may outlive the process; it is made when it is missing."""
        self._address, self._branch, self._vocabulary = address, branch, vocabulary
        folder.mkdir(parents=True, exist_ok=True)
        self._repo = git.Repo.init(folder, bare=True)
        said = {name: value for name, value in _UNLESS_SAID_OTHERWISE.items() if name not in os.environ}
        self._repo.git.update_environment(**_QUIET, **said)
        self._stamp = folder / "fetched"
        self._parsed: dict[tuple[str, str], Loaded] = {}

    def close(self) -> None:
        self._repo.close()

    def fetch(self) -> str:
        """Bring the mirror up to date; returns the branch's revision. `Temporary` when that did not work."""
        self._break_locks()
        try:
            self._repo.git.fetch(
                "--force",
                "--no-tags",
                "--no-auto-gc",  # it would go on in the background, beyond our reach
                "--depth=1",
                "--",
                self._address,
                f"refs/heads/{self._branch}:{self._ref}",
                kill_after_timeout=FETCH_TIMEOUT,
            )
        except git.CommandError as error:
            why = self._without_secret(" ".join(str(error.stderr).removeprefix("\n  stderr: ").split()).strip(" '"))
            raise Temporary(f"the catalogue {self.shown} cannot be fetched: {why or 'git took too long'}") from error
        self._stamp.touch()
        return self.revision()

    def fetched(self) -> datetime | None:
        """When the mirror was last brought up to date, by whichever process; None if never."""
        try:
            return datetime.fromtimestamp(self._stamp.stat().st_mtime, UTC)
        except FileNotFoundError:
            return None

    def _break_locks(self) -> None:
        """A fetch that was killed leaves its lock files behind, and no later one would get past them."""
        long_ago = time.time() - 2 * FETCH_TIMEOUT
        for lock in Path(self._repo.git_dir).rglob("*.lock"):
            if lock.stat().st_mtime < long_ago:
                lock.unlink(missing_ok=True)

    def revision(self) -> str:
        """The newest revision that was fetched; empty if there has been none."""
        try:
            return self._repo.commit(self._ref).hexsha
        except (git.BadName, ValueError):
            return ""

    def read(self, fetched: datetime) -> Catalogue:
        """The documents at the newest revision that was fetched. `Permanent` if there has been none."""
        revision = self.revision()
        if not revision:
            raise Permanent(f"the catalogue {self.shown} has never been fetched")
        parsed: dict[tuple[str, str], Loaded] = {}
        try:
            for path, item in self._documents(revision):
                key = (path, item.hexsha)
                parsed[key] = self._parsed.get(key) or self._load(path, item)
        except (git.exc.ODBError, ValueError, OSError) as error:
            folder = self._repo.git_dir
            raise Permanent(f"the mirror of {self.shown} is damaged; delete {folder} and start again") from error
        self._parsed = parsed
        loaded = Loaded.together(parsed.values())
        return Catalogue(revision=revision, fetched=fetched, loaded=loaded, vocabulary=self._vocabulary)

    @property
    def shown(self) -> str:
        """The address without whatever secret is in it."""
        parts = urlsplit(self._address)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if parts.netloc else self._address

    @property
    def _ref(self) -> str:
        return f"refs/heads/{self._branch}"

    def _without_secret(self, text: str) -> str:
        secret = urlsplit(self._address).netloc.rpartition("@")[0]
        return text.replace(f"{secret}@", "") if secret else text

    def _documents(self, revision: str) -> Iterator[tuple[str, git.Object]]:
        """Whatever lies where documents are expected, in the order of the paths."""
        root = self._repo.commit(revision).tree
        count = 0
        for folder in (item for item in root if str(item.path) in FOLDERS):
            items: Iterable[Any] = folder.traverse() if isinstance(folder, git.Tree) else (folder,)
            for item in items:
                if isinstance(item, git.Tree) or not _expected(item):
                    continue
                count += 1
                if count > MOST_FILES:
                    raise Permanent(f"the catalogue {self.shown} has more than {MOST_FILES} documents")
                yield str(item.path), item

    def _load(self, path: str, item: git.Object) -> Loaded:
        if isinstance(item, git.Submodule):
            return _refused(path, "is a submodule; put the documents themselves here")
        if not isinstance(item, git.Blob) or item.mode == git.Blob.link_mode:
            return _refused(path, "is a link; put the document itself here")
        if path in FOLDERS:
            return _refused(path, "is a file; this must be a folder with documents")
        if item.size > LARGEST:
            return _refused(path, f"has {item.size} bytes; a file may have {LARGEST}")
        data: bytes = item.data_stream.read()
        return load(data, path, self._vocabulary)


def _expected(item: git.Object) -> bool:
    """Documents, and what may hide some: links and submodules."""
    path = Path(str(item.path))
    plain = isinstance(item, git.Blob) and item.mode != git.Blob.link_mode
    return not plain or path.suffix in ENDINGS or str(path) in FOLDERS


def _refused(path: str, why: str) -> Loaded:
    problem = BadDocument(why, place=Place(file=path))
    return Loaded(broken=(Broken(kind="", name="", workload=None, problems=(problem,)),))
