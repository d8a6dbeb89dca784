"""What clients ask of a pod that runs: its log, and to run a command in it; read from their requests."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gate.sandbox.kubernetes.errors import BadRequest, Invalid, forbidden, invalid
from gate.sandbox.kubernetes.objects import Object, lookup, name_of
from gate.sandbox.kubernetes.resources import PODS
from gate.sandbox.kubernetes.routes import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """Which part of which log a client wants."""

    container: str
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


def log_query(request: Request, pod: Object) -> LogQuery:
    """BadRequest, if it is not clear or not possible whose log is meant; Invalid for options that contradict."""
    since_seconds, since = request.number("sinceSeconds"), request.query.get("sinceTime")
    if since_seconds is not None and since:
        cause = forbidden("", "at most one of `sinceTime` or `sinceSeconds` may be specified")
        raise Invalid.of(PODS, name_of(pod), [cause])
    try:
        since_time = datetime.fromisoformat(since) if since else None
    except ValueError as error:
        raise BadRequest(f"sinceTime: {error}") from error
    tail, limit = request.number("tailLines"), request.number("limitBytes")
    causes = [
        *([invalid("tailLines", tail, "must be greater than or equal to 0")] if tail is not None and tail < 0 else []),
        *([invalid("limitBytes", limit, "must be greater than 0")] if limit is not None and limit < 1 else []),
    ]
    if causes:
        raise Invalid.of(PODS, name_of(pod), causes)
    return LogQuery(
        container=_container(request, pod),
        follow=request.flag("follow"),
        previous=request.flag("previous"),
        timestamps=request.flag("timestamps"),
        tail=tail,
        since_seconds=since_seconds,
        since=since_time,
        limit=limit,
    )


def command(request: Request, pod: Object) -> Command:
    """BadRequest, if it is not clear or not possible what is to run where."""
    words = tuple(value for name, value in request.pairs if name == "command")
    if not words:
        raise BadRequest("you must specify at least 1 command")
    streams = {name: request.flag(name) for name in ("stdin", "stdout", "stderr")}
    terminal = request.flag("tty")
    if not any(streams.values()):
        raise BadRequest("you must specify at least 1 of stdin, stdout, stderr")
    if terminal and streams["stderr"]:
        raise BadRequest("tty and stderr cannot both be true")
    return Command(container=_container(request, pod), words=words, terminal=terminal, **streams)


def _container(request: Request, pod: Object) -> str:
    """The container that is asked for, or the only one."""
    main = [each["name"] for each in pod["spec"]["containers"]]
    first = [each["name"] for each in lookup(pod, "spec.initContainers", [])]
    container = request.query.get("container") or (main[0] if len(main) == 1 else "")
    if not container:
        more = f" or one of the init containers: [{' '.join(first)}]" if first else ""
        raise BadRequest(
            f"a container name must be specified for pod {name_of(pod)}, choose one of: [{' '.join(main)}]{more}"
        )
    if container not in (*main, *first):
        raise BadRequest(f"container {container} is not valid for pod {name_of(pod)}")
    return container
