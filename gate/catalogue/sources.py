"""Where catalogues come from: each with its address, what is pinned, how one gets in, and whose signatures count."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError

from gate.documents.blocks import Block
from gate.documents.mistakes import mistakes
from gate.documents.tree import Illegible, Tree, trees
from gate.documents.tree import Path as TreePath
from gate.errors import GateError, Place

_SSH = re.compile(r"ssh://|(?!\w+://)[^/:]+:")
"""`ssh://git@host/group/project.git`, or `git@host:group/project.git`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One catalogue's repository."""

    address: str
    name: str = ""
    """Stands before the paths of its documents, where there are several catalogues."""
    branch: str = "main"
    tag: str = ""
    """Pinned instead of the branch."""
    token_file: Path | None = None
    ca_file: Path | None = None
    ssh_key_file: Path | None = None
    known_hosts_file: Path | None = None
    allowed_signers_file: Path | None = None
    gpg_keys_file: Path | None = None

    @property
    def ref(self) -> str:
        """The full name of what is pinned."""
        return f"refs/tags/{self.tag}" if self.tag else f"refs/heads/{self.branch}"

    @property
    def verifies(self) -> bool:
        """Whether only commits count that somebody has signed whose key is listed."""
        return bool(self.allowed_signers_file or self.gpg_keys_file)

    @property
    def problem(self) -> str:
        """Why nobody should fetch from there like this, with the remedy; empty if nothing is wrong."""
        over_ssh = _SSH.match(self.address) is not None
        if over_ssh and self.known_hosts_file is None:
            return f"{self.address} is reached by SSH: name a knownHostsFile, so that nobody else can answer for it"
        if self.token_file and not self.address.startswith("https://"):
            return f"{self.address} would get the token in the open: a tokenFile is for an https:// address"
        return ""


def _file(path: Path) -> Path:
    if not path.is_file():
        raise ValueError(f"{path} is no file that can be read; mount it there")
    return path.absolute()


def _pinned(text: str) -> str:
    if not re.fullmatch(r"(?!.*(\.\.|//|@\{|\.lock$))[\w][\w./+@=-]*(?<![./])", text, re.ASCII):
        raise ValueError(f'"{text}" is no name of a branch or a tag')
    return text


_File = Annotated[Path, AfterValidator(_file)]
_Ref = Annotated[str, AfterValidator(_pinned)]


class _Signatures(Block):
    allowed_signers_file: _File | None = None
    gpg_keys_file: _File | None = None


class _Entry(Block):
    name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    url: Annotated[str, Field(min_length=1)]
    branch: _Ref | None = None
    tag: _Ref | None = None
    token_file: _File | None = None
    ca_file: _File | None = None
    ssh_key_file: _File | None = None
    known_hosts_file: _File | None = None
    verify_signatures: _Signatures | None = None


class _Listed(Block):
    catalogues: Annotated[list[_Entry], Field(min_length=1)]


def read_sources(file: Path) -> tuple[Source, ...]:
    """The catalogues of a YAML list, the one that goes before the others first; `GateError` with all that is wrong."""
    try:
        documents = [*trees(file.read_text(encoding="utf-8"), str(file))]
    except (OSError, UnicodeDecodeError) as error:
        raise GateError(f"{file} cannot be read: {error}") from error
    if len(documents) != 1:
        raise GateError(f"{file} holds {len(documents)} documents; write all catalogues into one list")
    (document,) = documents
    if isinstance(document, Illegible):
        raise GateError(str(document.problem))
    return _sources(document, file)


def _sources(document: Tree, file: Path) -> tuple[Source, ...]:
    problems = [str(each) for each in document.problems]
    entries: list[_Entry] = []
    try:
        entries = _Listed.model_validate({"catalogues": document.value}).catalogues
    except ValidationError as error:
        within = Tree(value=document.value, places=_below(document), problems=document.problems)
        problems += [str(each) for each in mistakes(error, within, (), _Listed)]
    sources = tuple(map(_source, entries))
    names = [each.name for each in sources]
    problems += [f"{file}: two catalogues are called {each}" for each in sorted(set(names)) if names.count(each) > 1]
    problems += [f"{file}: {each.name}: {each.problem}" for each in sources if each.problem]
    problems += [f"{file}: {each.name}: {why}" for each in entries for why in _contradictions(each)]
    if problems:
        raise GateError("; ".join(problems))
    return sources


def _contradictions(entry: _Entry) -> Iterator[str]:
    if entry.branch and entry.tag:
        yield f"branch {entry.branch} and tag {entry.tag} are both there; keep one"
    signatures = entry.verify_signatures
    if signatures and not (signatures.allowed_signers_file or signatures.gpg_keys_file):
        yield "verifySignatures names no keys; add allowedSignersFile, or gpgKeysFile"


def _below(document: Tree) -> dict[TreePath, Place]:
    """The list's places as those of a field."""
    return {(): document.place(()), **{("catalogues", *path): place for path, place in document.places.items()}}


def _source(entry: _Entry) -> Source:
    signatures = entry.verify_signatures or _Signatures()
    return Source(
        address=entry.url,
        name=entry.name,
        branch=entry.branch or "main",
        tag=entry.tag or "",
        token_file=entry.token_file,
        ca_file=entry.ca_file,
        ssh_key_file=entry.ssh_key_file,
        known_hosts_file=entry.known_hosts_file,
        allowed_signers_file=signatures.allowed_signers_file,
        gpg_keys_file=signatures.gpg_keys_file,
    )
