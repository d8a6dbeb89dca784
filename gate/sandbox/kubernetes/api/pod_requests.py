"""What clients ask of a pod that runs: its log, and to run a command in it; read from their requests."""

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from gate.sandbox.kubernetes.language.errors import BadRequest, Cause, Invalid, forbidden, invalid
from gate.sandbox.kubernetes.language.objects import Object, lookup, name_of
from gate.sandbox.kubernetes.registry.resources import PODS
from gate.sandbox.kubernetes.registry.routes import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """Which part of which log a client wants."""

    container: str
    """Where a client names none, the only one."""
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail: int | None = None
    """Lines from the end; None: all."""
    since_seconds: int | None = None
    since: datetime | None = None
    limit: int | None = None
    """Bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a client wants to run in a container, and what of its input and output it wants to have."""

    container: str
    words: tuple[str, ...]
    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    terminal: bool = False


class Wire(Protocol):
    """A connection whose protocol has changed: bytes, both ways."""

    def receive(self) -> bytes:
        """Wait for what comes; b"" when nothing will come any more."""
        ...

    def send(self, data: bytes) -> None:
        """OSError when nobody is there any more."""
        ...

    def hang_up(self) -> None:
        """Let whoever waits in `receive` hear that nothing will come any more."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """An answer that takes the connection over, until it returns."""

    hold: Callable[[Wire], None]


class PodLogs(Protocol):
    """Whoever runs the pods, asked for what they wrote."""

    def read(self, pod: Object, query: LogQuery) -> Generator[bytes]:
        """The log in chunks; b"" from time to time while following. Raises an ApiError (400 if not started) at once."""


class PodCommands(Protocol):
    """Whoever runs the pods, asked to run a command in one."""

    def execute(self, pod: Object, command: Command, request: Request) -> Conversation:
        """The conversation about that command. Raises an ApiError if the container does not run."""


_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def log_query(request: Request, name: str) -> LogQuery:
    """What is asked about the pod of this name, whoever it is: `container` is as the client names it.

    Raises:
        BadRequest: a number or a time that is none.
        Invalid: a value that cannot be, or options that contradict.
    """
    query = LogQuery(
        container=request.query.get("container", ""),
        follow=request.flag("follow"),
        previous=request.flag("previous"),
        timestamps=request.flag("timestamps"),
        tail=request.number("tailLines"),
        since_seconds=request.number("sinceSeconds"),
        since=_time(request.query.get("sinceTime", "")),
        limit=request.number("limitBytes"),
    )
    causes = _wrong_options(request, query)
    if causes:
        raise Invalid.of(PODS, name, causes, called="PodLogOptions")
    return query


def _time(text: str) -> datetime | None:
    """A moment as RFC 3339 has it; None: none is named."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _not_a_time(text) from error
    if not _TIME.fullmatch(text):
        raise _not_a_time(text)
    return moment


def _not_a_time(text: str) -> BadRequest:
    return BadRequest(f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse it')


def _wrong_options(request: Request, query: LogQuery) -> list[Cause]:
    causes = []
    if query.tail is not None and query.tail < 0:
        causes.append(invalid("tailLines", query.tail, "must be greater than or equal to 0"))
    if query.limit is not None and query.limit < 1:
        causes.append(invalid("limitBytes", query.limit, "must be greater than 0"))
    if query.since_seconds is not None and "sinceTime" in request.query:
        causes.append(forbidden("[]", "at most one of `sinceTime` or `sinceSeconds` may be specified"))
    elif query.since_seconds is not None and query.since_seconds < 1:
        causes.append(invalid("sinceSeconds", query.since_seconds, "must be greater than 0"))
    if "stream" in request.query:  # behind a feature gate that is shut in 1.34
        causes.append(forbidden("stream", "may not be specified"))
    return causes


def command(request: Request, pod: Object) -> Command:
    """BadRequest, if it is not clear or not possible what is to run where."""
    container = chosen(pod, request.query.get("container", ""))
    words = tuple(value for name, value in request.pairs if name == "command")
    if not words:
        raise BadRequest("you must specify at least 1 command")
    streams = {name: request.flag(name) for name in ("stdin", "stdout", "stderr")}
    terminal = request.flag("tty")
    if not any(streams.values()):
        raise BadRequest("you must specify at least 1 of stdin, stdout, stderr")
    if terminal and streams["stderr"]:
        raise BadRequest("tty and stderr cannot both be true")
    return Command(container=container, words=words, terminal=terminal, **streams)


def chosen(pod: Object, container: str) -> str:
    """The container that is named, or the only one; BadRequest if it is not clear or not possible which is meant."""
    main = [each["name"] for each in pod["spec"]["containers"]]
    first = [each["name"] for each in lookup(pod, "spec.initContainers", [])]
    container = container or (main[0] if len(main) == 1 else "")
    if not container:
        choices = " ".join((*first, *main))
        raise BadRequest(f"a container name must be specified for pod {name_of(pod)}, choose one of: [{choices}]")
    beside = [each["name"] for each in lookup(pod, "spec.ephemeralContainers", [])]
    if container not in (*main, *first, *beside):
        raise BadRequest(f"container {container} is not valid for pod {name_of(pod)}")
    return container
