"""The gate's settings: read once from the environment, with everything that is wrong with them said at once."""

import difflib
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gate.errors import GateError, Permanent, Temporary
from gate.quantities import duration

PREFIX = "CHAOS_GATE_"
Word = TypeVar("Word", bound=StrEnum)
ELSEWHERE = {f"{PREFIX}URL", f"{PREFIX}ID_TOKEN", f"{PREFIX}PROXY_CONTROL"}
"""Variables of the same prefix that other commands read."""


class Resolve(StrEnum):
    """How host names in documents are resolved: by the system, or as Services through the Kubernetes API."""

    DNS = "dns"
    SERVICES = "services"


class ExecutedBy(StrEnum):
    """Who executes runs."""

    THREAD = "thread"
    """A thread of the gate, with the gate's rights."""
    JOB = "job"
    """A Kubernetes Job for each run, with the rights of a service account beside the workload."""


class ReadBy(StrEnum):
    """Who may read the pages, the lists of gates and runs, and the figures."""

    KNOWN = "known"
    """Whoever Kubernetes lets read the same, and whoever comes by the gate's own loopback."""
    EVERYBODY = "everybody"
    """Whoever reaches the gate."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret in a file. It is read at each use, so that it can be rotated, and never shown."""

    file: Path = field(repr=False)

    def __call__(self) -> str:
        try:
            return self.file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise Temporary(f"the secret in {self.file} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError:  # its own text would show the secret
            raise Temporary(f"the secret in {self.file} cannot be read: it is not text") from None


@dataclass(frozen=True, slots=True)
class Keyring:
    """Secrets for probes and loads: a file `NAMESPACE/NAME` each, in a folder. No namespace sees another one's."""

    folder: Path

    def __call__(self, namespace: str, name: str) -> str:
        """The secret, read at each use. Raises `Permanent` if there is none, `Temporary` if it cannot be read."""
        if not all(re.fullmatch(r"[a-z0-9][a-z0-9.-]*", part) for part in (namespace, name)):
            raise Permanent(f"{namespace}/{name} cannot be the name of credentials")
        file = self.folder / namespace / name
        if not os.access(file, os.R_OK):
            raise Permanent(f"there are no credentials {namespace}/{name} to be read; ask the operators for them")
        return Secret(file)()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the gate needs to know before it starts."""

    catalogue: str
    branch: str
    catalogues: Path | None
    fetch_every: timedelta
    state: Path
    namespace: str
    namespaces: tuple[str, ...]
    gitlab_url: str
    gitlab_token: Secret | None
    gitlab_ca: Path | None
    gitlabs: Path | None
    audience: str
    webhook_secrets: Secret | None
    readers: ReadBy
    listen: tuple[str, int]
    public_url: str
    resolve: Resolve
    credentials: Keyring | None
    policy: Path | None
    policy_text: str
    time_zone: str
    nodes: tuple[str, ...]
    runs: int | None
    runs_per_namespace: int
    leave_ready: int
    evidence: Path
    keep_evidence: timedelta
    evidence_url: str
    evidence_token: Secret | None
    signing_key: Secret | None
    executor: ExecutedBy
    job_image: str
    job_account: str
    job_begins: timedelta
    job_template: Path | None

    @classmethod
    def to_execute(cls, environ: Mapping[str, str]) -> "Settings":
        """Those of a process that executes a run which somebody else has made: it needs no catalogue."""
        return cls.read({f"{PREFIX}CATALOGUE": "none", **environ})

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Raises `GateError` that names every variable that is missing, wrong or unknown."""
        reading = _Reading(environ)
        settings = {
            "catalogue": reading.take("CATALOGUE", str, ""),
            "branch": reading.take("CATALOGUE_BRANCH", str, "main"),
            "catalogues": reading.take("CATALOGUES", _file, ""),
            "fetch_every": reading.take("FETCH_EVERY", _lasting, "30s"),
            "state": reading.take("STATE", Path, str(Path(tempfile.gettempdir()) / "chaos-gate")),
            "namespace": reading.take("NAMESPACE", str, "chaos-gate"),
            "namespaces": reading.take("NAMESPACES", _namespaces, ""),
            "gitlab_url": reading.take("GITLAB_URL", _address, ""),
            "gitlab_token": reading.take("GITLAB_TOKEN_FILE", _secret, ""),
            "gitlab_ca": reading.take("GITLAB_CA_FILE", _file, ""),
            "audience": reading.take("AUDIENCE", str, ""),
            "webhook_secrets": reading.take("WEBHOOK_SECRETS_FILE", _secret, ""),
            "readers": reading.take("READERS", _one_of(ReadBy), "known"),
            "gitlabs": reading.take("GITLABS", _file, ""),
            "listen": reading.take("LISTEN", _host_and_port, "127.0.0.1:8080"),
            "public_url": reading.take("PUBLIC_URL", _address, ""),
            "resolve": reading.take("RESOLVE", _one_of(Resolve), "dns"),
            "credentials": reading.take("CREDENTIALS", _keyring, ""),
            "policy": reading.take("POLICY", _file, ""),
            "policy_text": reading.take("POLICY_TEXT", str, ""),
            "time_zone": reading.take("TIME_ZONE", _zone, "UTC"),
            "nodes": reading.take("NODES", _list, ""),
            "runs": reading.take("RUNS", _cap, ""),
            "runs_per_namespace": reading.take("RUNS_PER_NAMESPACE", _cap, "1"),
            "leave_ready": reading.take("LEAVE_READY", _count, "0"),
            "evidence": reading.take("EVIDENCE", Path, "evidence"),
            "keep_evidence": reading.take("KEEP_EVIDENCE", _lasting, "30d"),
            "evidence_url": reading.take("EVIDENCE_URL", _address, ""),
            "evidence_token": reading.take("EVIDENCE_TOKEN_FILE", _secret, ""),
            "signing_key": reading.take("SIGNING_KEY", _secret, ""),
            "executor": reading.take("EXECUTOR", _one_of(ExecutedBy), "thread"),
            "job_image": reading.take("JOB_IMAGE", str, ""),
            "job_account": reading.take("JOB_ACCOUNT", str, "chaos-gate-executor"),
            "job_begins": reading.take("JOB_BEGINS", _lasting, "2m"),
            "job_template": reading.take("JOB_TEMPLATE", _file, ""),
        }
        if settings["executor"] is ExecutedBy.JOB and not settings["job_image"]:
            reading.problems.append(f"{PREFIX}JOB_IMAGE is missing: a Job needs the image of the gate")
        if settings["policy"] and settings["policy_text"]:
            reading.problems.append(f"{PREFIX}POLICY and {PREFIX}POLICY_TEXT are both there; keep the first")
        reading.problems += _of_catalogue({name for name, value in environ.items() if value})
        reading.problems += _of_gitlab({name for name, value in environ.items() if value})
        reading.finish()
        settings["evidence"] = settings["state"] / settings["evidence"]
        return cls(**settings)


class _Reading:
    """Takes variables one by one and remembers what was wrong."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._left = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
        self._known: list[str] = []
        self.problems: list[str] = []

    def take(self, name: str, parse: Callable[[str], Any], default: str | None = None) -> Any:
        name = PREFIX + name
        self._known.append(name)
        text = self._left.pop(name, "") or default  # set to nothing is not set
        if text is None:
            self.problems.append(f"{name} is missing")
            return None
        try:
            return parse(text)
        except ValueError as error:
            self.problems.append(f"{name}: {error}")
            return None

    def finish(self) -> None:
        for name in sorted(self._left.keys() - ELSEWHERE):
            close = difflib.get_close_matches(name, self._known, n=1)
            self.problems.append(f"{name} is not known{f'; did you mean {close[0]}?' if close else ''}")
        if self.problems:
            raise GateError("the settings are not right: " + "; ".join(self.problems))


def _of_catalogue(given: set[str]) -> Iterator[str]:
    """Which variables about the catalogue that are there do not go together."""
    one, branch, several = f"{PREFIX}CATALOGUE", f"{PREFIX}CATALOGUE_BRANCH", f"{PREFIX}CATALOGUES"
    if not given & {one, several}:
        yield f"{one} is missing"
    for name in (one, branch):
        if {name, several} <= given:
            yield f"{several} and {name} are both there; write all into the first"


def _of_gitlab(given: set[str]) -> Iterator[str]:
    """Which variables about GitLab that are there do not go together."""
    several, audience = f"{PREFIX}GITLABS", f"{PREFIX}AUDIENCE"
    url, token, authority = (f"{PREFIX}GITLAB_{name}" for name in ("URL", "TOKEN_FILE", "CA_FILE"))
    if url in given and token not in given:
        yield f"{token} is missing: {url} needs a token"
    for name in (url, token, authority):
        if name in given and several in given:
            yield f"{several} and {name} are both there; write all into the first"
        elif name in given and url not in given:
            yield f"{name} is for no GitLab: {url} is missing"
    if audience in given and not given & {url, several}:
        yield f"{audience} needs a GitLab that signs: {url} or {several}"


def _lasting(text: str) -> timedelta:
    time = duration(text)
    if not time:
        raise ValueError(f'"{text}" is no time at all; it must be more than 0s')
    return time


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f'"{text}" is no whole number')
    return int(text)


def _cap(text: str) -> int | None:
    if text and not _count(text):
        raise ValueError("0 would let no run begin; for that there is a mode: chaos-gate mode drain")
    return int(text) if text else None


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _namespaces(text: str) -> tuple[str, ...]:
    names = _list(text)
    if wrong := [name for name in names if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name)]:
        raise ValueError(f'"{wrong[0]}" is not the name of a namespace; patterns are for subscriptions')
    if twice := [name for name in sorted(set(names)) if names.count(name) > 1]:
        raise ValueError(f"{', '.join(twice)} is there twice; name each namespace once")
    return names


def _address(text: str) -> str:
    if text and not text.startswith(("http://", "https://")):
        raise ValueError(f'"{text}" is not an address such as https://gitlab.example.org')
    return text.rstrip("/")


def _secret(text: str) -> Secret | None:
    return Secret(Path(text)) if text else None


def _file(text: str) -> Path | None:
    if text and not Path(text).is_file():
        raise ValueError(f"{text} is no file that can be read; mount it there")
    return Path(text) if text else None


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f'"{text}" is no time zone that is known here, such as Europe/Berlin') from None
    return text


def _keyring(text: str) -> Keyring | None:
    if text and not Path(text).is_dir():
        raise ValueError(f"{text} is no folder; make it, with a folder for each namespace")
    return Keyring(Path(text)) if text else None


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f'"{text}" is not an address such as 127.0.0.1:8080')
    return host.removeprefix("[").removesuffix("]"), int(port)


def _one_of(words: type[Word]) -> Callable[[str], Word]:
    def parse(text: str) -> Word:
        if text not in set(words):
            raise ValueError(f'"{text}" is not one of {", ".join(words)}')
        return words(text)

    return parse
