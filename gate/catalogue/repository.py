"""The catalogue's git repository: a bare mirror that is fetched now and then, and read at a commit.

No work tree, no hooks, no submodules, no links: only blobs, whose content is parsed once for each blob.
"""

import logging
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import git

from gate.catalogue.folder import ENDINGS
from gate.documents.catalogue import Catalogue
from gate.documents.loading import LARGEST, Broken, Loaded, load
from gate.documents.vocabulary import Vocabulary
from gate.errors import BadDocument, Permanent, Place, Temporary

log = logging.getLogger(__name__)

FOLDERS = ("subscriptions", "workflows")
MOST_FILES = 10_000
FETCH_TIMEOUT = 30.0
"""Seconds."""

_QUIET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_LFS_SKIP_SMUDGE": "1",
    "LC_ALL": "C",
}
"""Never ask anybody anything, and do nothing that this machine's own settings would add."""


class Repository:
    """A mirror of one branch. Used by one thread."""

    def __init__(self, address: str, branch: str, folder: Path, vocabulary: Vocabulary) -> None:
        """`folder` holds the mirror and may outlive the process; it is made when it is missing."""
        self._address, self._branch, self._vocabulary = address, branch, vocabulary
        folder.mkdir(parents=True, exist_ok=True)
        self._repo = git.Repo.init(folder, bare=True)
        self._repo.git.update_environment(**_QUIET)
        self._parsed: dict[tuple[str, str], Loaded] = {}

    def close(self) -> None:
        self._repo.close()

    def fetch(self) -> str:
        """Bring the mirror up to date; returns the branch's revision. `Temporary` when that did not work."""
        try:
            self._repo.git.fetch(
                "--force",
                "--no-tags",
                "--depth=1",
                self._address,
                f"refs/heads/{self._branch}:{self._ref}",
                kill_after_timeout=FETCH_TIMEOUT,
            )
        except git.GitCommandError as error:
            why = " ".join(str(error.stderr).replace("stderr:", "").replace(self._address, "").split()).strip(" '")
            raise Temporary(f"the catalogue {self.shown} cannot be fetched: {why or 'git took too long'}") from error
        return self.revision()

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
        loaded, parsed = Loaded(), {}
        for path, blob in self._blobs(revision):
            key = (path, blob.hexsha)
            parsed[key] = self._parsed.get(key) or self._load(path, blob)
            loaded += parsed[key]
        self._parsed = parsed
        return Catalogue(revision=revision, fetched=fetched, loaded=loaded, vocabulary=self._vocabulary)

    @property
    def shown(self) -> str:
        """The address without whatever secret is in it."""
        parts = urlsplit(self._address)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if parts.netloc else self._address

    @property
    def _ref(self) -> str:
        return f"refs/heads/{self._branch}"

    def _blobs(self, revision: str) -> Iterator[tuple[str, git.Blob]]:
        count = 0
        for folder in FOLDERS:
            try:
                tree = self._repo.commit(revision).tree / folder
            except KeyError:
                continue
            for item in tree.traverse():
                if isinstance(item, git.Blob) and Path(str(item.path)).suffix in ENDINGS:
                    count += 1
                    if count > MOST_FILES:
                        raise Permanent(f"the catalogue {self.shown} has more than {MOST_FILES} documents")
                    yield str(item.path), item

    def _load(self, path: str, blob: git.Blob) -> Loaded:
        if blob.mode == git.Blob.link_mode:
            return _refused(path, "is a link; put the document itself here")
        if blob.size > LARGEST:
            return _refused(path, f"has {blob.size} bytes; a file may have {LARGEST}")
        data: bytes = blob.data_stream.read()
        return load(data, path, self._vocabulary)


def _refused(path: str, why: str) -> Loaded:
    problem = BadDocument(why, place=Place(file=path))
    return Loaded(broken=(Broken(kind="", name="", workload=None, problems=(problem,)),))
