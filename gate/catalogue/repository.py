"""The catalogue's git repository: a bare mirror that is fetched now and then, and read at a commit.

No work tree, no hooks, no submodules, no links: only blobs, whose content is parsed once for each blob.
"""

import logging
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import git

from gate.catalogue.bounded import run
from gate.catalogue.entries import Entry, entries
from gate.catalogue.folder import MOST_BYTES, MOST_FILES, MOST_VALUES
from gate.catalogue.objects import Lacking, Objects
from gate.catalogue.settings import ORIGIN, to_fetch, to_read, without
from gate.catalogue.signatures import verify
from gate.catalogue.sources import Source
from gate.catalogue.tidying import prepared, tidy
from gate.documents.catalogue import Catalogue, NotTaken
from gate.documents.loading import LARGEST, Broken, Loaded, load
from gate.documents.vocabulary import Vocabulary
from gate.errors import BadDocument, GateError, Permanent, Place, Temporary

log = logging.getLogger(__name__)

MOST_FETCHED = 100_000_000
"""Bytes that may arrive in one fetch, packed."""
FETCH_TIMEOUT = 30.0
"""Seconds."""
POINTER = b"version https://git-lfs.github.com/spec/"
"""How a file begins that says where another one lies."""
MANY_PACKS = 50
"""Each fetch that brings something leaves a file; so many are made one."""
MOST_KEPT = 2 * MOST_FETCHED
"""Bytes of all these files, before they are made one."""
NEWEST = "refs/fetched/newest"
GOOD = "refs/taken/newest"
"""What was fetched last, and what was in force last, whatever they are called at the address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A file of the catalogue, as it was parsed."""

    size: int
    loaded: Loaded


class Repository:
    """A mirror of one branch or tag. Used by one thread."""

    def __init__(self, source: Source, folder: Path, vocabulary: Vocabulary, mark: str = "") -> None:
        """`folder` holds the mirror and may outlive the process; it is made when it is missing, and made empty when it
        is of another source. `mark` stands before the path of each document, where there are several catalogues.
        """
        self._source, self._vocabulary, self._mark = source, vocabulary, mark
        self._repo = git.Repo.init(prepared(folder, f"{self.shown} {source.ref}"), bare=True)
        self._repo.git.update_environment(**to_read())
        self._objects = Objects(self._repo)
        self._stamp = folder / "fetched"
        self._parsed: dict[tuple[str, bytes], _File] = {}
        self._too_long: dict[str, str] = {}
        self._verified = ""

    def close(self) -> None:
        self._repo.close()

    def fetch(self) -> str:
        """Bring the mirror up to date; returns the newest revision. `Temporary` when that did not work."""
        self._break_locks()
        words = [
            "--force",
            "--quiet",
            "--no-tags",
            "--no-auto-gc",  # it would go on in the background, beyond our reach
            "--depth=1",
            f"--filter={without(LARGEST)}",
            ORIGIN,
            f"{self._source.ref}:{NEWEST}",
        ]
        self._git("fetch", *words)
        self._stamp.touch()
        self._tidy()
        return self.revision()

    def _tidy(self) -> None:
        """Where that does not work, the mirror is as fresh as it would be."""
        sizes = [pack.stat().st_size for pack in Path(self._repo.git_dir).glob("objects/pack/*.pack")]
        if len(sizes) <= MANY_PACKS and (len(sizes) == 1 or sum(sizes) <= MOST_KEPT):
            return
        try:
            tidy(self._repo, map(self._objects.commit, (NEWEST, GOOD)), {**os.environ, **to_read()})
        except Temporary as error:
            log.warning("catalogue.untidy why=%r", str(error))
        self._objects.forget()

    def _git(self, *words: str) -> None:
        environment = to_fetch(self._source, LARGEST)
        try:
            run(self._repo, words, environment, longest=FETCH_TIMEOUT, most=MOST_FETCHED)
        except Temporary as error:
            why = self._without_secret(str(error))
            raise Temporary(f"the catalogue {self.shown} cannot be fetched: {why}") from error

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
        """The newest revision that was fetched; empty if there has been none. `Temporary` when git does not work."""
        return self._objects.commit(NEWEST)

    def read(self, fetched: datetime) -> Catalogue:
        """The documents at the newest revision that was fetched, or, while that cannot be taken, at the last one that
        could. `Permanent` if there is none.
        """
        newest = self.revision()
        if not newest and self.fetched() is None:
            raise Permanent(f"the catalogue {self.shown} has never been fetched")
        if not newest:
            raise Permanent(self._damaged)
        try:
            return self._at(newest, fetched)
        except GateError as error:
            good = self._objects.commit(GOOD)
            if good in {"", newest}:
                raise
            not_taken = NotTaken(revision=newest, why=str(error), instead=good)
            return self._at(good, fetched, not_taken)

    def _at(self, revision: str, fetched: datetime, *not_taken: NotTaken) -> Catalogue:
        self._insist(revision)
        files: dict[tuple[str, bytes], _File] = {}
        values = 0
        try:
            found = self._documents(revision)
            sizes = [self._size(entry) for entry in found]
            if sum(sizes) > MOST_BYTES:
                raise Permanent(self._is(revision, f"has {sum(sizes)} bytes of documents; it may have {MOST_BYTES}"))
            if revision in self._too_long:
                raise Permanent(self._too_long[revision])
            for entry, size in zip(found, sizes, strict=True):
                key = (entry.path, entry.sha)
                files[key] = self._parsed.get(key) or _File(size=size, loaded=self._load(entry, size))
                self._bound(revision, values := values + files[key].loaded.values)
        except Lacking as error:
            raise Permanent(self._damaged) from error
        self._parsed = files
        self._note(revision)
        loaded = Loaded.together(each.loaded for each in files.values())
        return Catalogue(
            revision=revision, fetched=fetched, loaded=loaded, vocabulary=self._vocabulary, not_taken=not_taken
        )

    def _bound(self, revision: str, values: int) -> None:
        """What it has cost to find that out is not paid again with each fetch."""
        if values > MOST_VALUES:
            why = self._is(revision, f"has more than {MOST_VALUES} values in its documents")
            self._too_long = {revision: why}
            raise Permanent(why)

    def _note(self, revision: str) -> None:
        """Which one to go back to. Where that cannot be written, this one is in force all the same."""
        try:
            if self._objects.commit(GOOD) != revision:
                self._repo.git.update_ref(GOOD, revision)
        except (GateError, git.GitCommandError, OSError) as error:
            log.warning("catalogue.unnoted revision=%s why=%r", revision, " ".join(str(error).split()))

    def _insist(self, revision: str) -> None:
        """On a signature, if the operators want one."""
        if self._source.verifies and self._verified != revision:
            try:
                verify(self._repo, revision, self._source)
            except Permanent as error:
                raise Permanent(self._is(revision, str(error))) from error
            self._verified = revision

    @property
    def _damaged(self) -> str:
        return f"the mirror of {self.shown} is damaged; delete {self._repo.git_dir} and start again"

    def _is(self, revision: str, why: str) -> str:
        return f"the revision {revision[:12]} of {self.shown} {why}"

    @property
    def shown(self) -> str:
        """The address without whatever secret is in it."""
        address = self._source.address
        parts = urlsplit(address)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if parts.netloc else address

    def _without_secret(self, text: str) -> str:
        secret = urlsplit(self._source.address).netloc.rpartition("@")[0]
        return text.replace(f"{secret}@", "") if secret else text

    def _documents(self, revision: str) -> list[Entry]:
        try:
            found = [*entries(self._objects, revision, MOST_FILES)]
        except Permanent as error:
            raise Permanent(self._is(revision, str(error))) from error
        return [entry for entry in found if entry.is_expected and not entry.is_folder]

    def _size(self, entry: Entry) -> int:
        """Of one that was not fetched since it is too large, more than it may have; of what is no file, nothing."""
        if known := self._parsed.get((entry.path, entry.sha)):
            return known.size
        if not entry.is_file:
            return 0
        try:
            return self._objects.size(entry.sha)
        except Lacking:
            return LARGEST + 1

    def _load(self, entry: Entry, size: int) -> Loaded:
        if entry.wrong:
            return self._refused(entry.path, entry.wrong)
        if size > LARGEST:
            return self._refused(entry.path, f"has more than {LARGEST} bytes; split it into several files")
        data = self._objects.data(entry.sha)
        if data.startswith(POINTER):
            return self._refused(entry.path, "is a pointer of Git LFS; put the document itself here")
        return load(data, f"{self._mark}{entry.path}", self._vocabulary)

    def _refused(self, path: str, why: str) -> Loaded:
        shown = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in path)
        problem = BadDocument(why, place=Place(file=f"{self._mark}{shown}"))
        return Loaded(broken=(Broken(kind="", name="", workload=None, problems=(problem,)),))
