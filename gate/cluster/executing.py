"""A command in a container, as `kubectl exec` runs it: output, errors and the end over channels of one WebSocket."""

import json
import re
import signal
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from time import monotonic
from typing import Any
from urllib.parse import urlencode

from kubernetes.client import Configuration
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

_NO_PROGRAM = re.compile(r"executable file .*not found in \$PATH|exec: \S+ (stat \S+ )?no such file or directory")

VERSIONS = [Subprotocol("v5.channel.k8s.io"), Subprotocol("v4.channel.k8s.io")]


class Channel(IntEnum):
    """The first byte of each message."""

    OUTPUT = 1
    ERRORS = 2
    STATUS = 3
    """How the command ended, as a `Status`."""


class Refused(Exception):
    """The server does not run the command: HTTP status and body."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"{status}: {body[:200]!r}")
        self.status, self.body = status, body


KILLED = 128 + signal.SIGKILL
"""What a shell and a runtime say of who was ended by SIGKILL."""


class Broken(Exception):
    """Nothing, or not all, came back in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a command wrote, and why it failed or could not be started; empty if it did well."""

    output: str
    errors: str
    failure: str
    started: bool
    code: int = 0
    """With which it exited, if it was started and failed."""

    @property
    def was_killed(self) -> bool:
        """By nobody that it could hear: as a rule its container has ended around it."""
        return self.code == KILLED

    @property
    def has_no_program(self) -> bool:
        """The container runs, and has no such program: so runc and crun say it, whoever passes it on."""
        return not self.started and _NO_PROGRAM.search(self.failure) is not None


def run(
    address: str, headers: Mapping[str, str], configuration: Configuration, command: Sequence[str], seconds: float
) -> Ended:
    """Run the command within so many seconds. `address` is that of the container's exec, with its query.

    Raises `Refused` and `Broken`.
    """
    query = urlencode([("stdout", "true"), ("stderr", "true"), *(("command", word) for word in command)])
    url = f"ws{address.removeprefix('http')}&{query}"
    end, written = monotonic() + seconds, dict.fromkeys(Channel, b"")
    try:
        with connect(
            url,
            additional_headers=dict(headers),
            user_agent_header=None,
            subprotocols=VERSIONS,
            ssl=_security(configuration) if url.startswith("wss:") else None,
            open_timeout=seconds,
            close_timeout=1,
        ) as line:
            while not written[Channel.STATUS]:
                message = line.recv(timeout=max(0.0, end - monotonic()), decode=False)
                if message[:1] and message[0] in set(Channel):
                    written[Channel(message[0])] += message[1:]
    except InvalidStatus as error:
        raise Refused(error.response.status_code, bytes(error.response.body or b"")) from error
    except (OSError, ConnectionClosed, InvalidHandshake) as error:  # a time that is over is an OSError, too
        raise Broken(f"{type(error).__name__}: {error}") from error
    status: dict[str, Any] = json.loads(written[Channel.STATUS])
    failure = "" if status.get("status") == "Success" else str(status.get("message") or "it failed")
    return Ended(
        output=written[Channel.OUTPUT].decode(errors="replace"),
        errors=written[Channel.ERRORS].decode(errors="replace"),
        failure=failure,
        started=not failure or status.get("reason") == "NonZeroExitCode",
        code=_code(status),
    )


def _code(status: Mapping[str, Any]) -> int:
    """The exit code in a status of a command that failed; 0 if there is none."""
    causes: Sequence[Mapping[str, Any]] = (status.get("details") or {}).get("causes") or ()
    said = next((str(each.get("message")) for each in causes if each.get("reason") == "ExitCode"), "")
    return int(said) if said.isdigit() else 0


def _security(configuration: Configuration) -> ssl.SSLContext:
    """As the library secures all other requests."""
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if not configuration.verify_ssl:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    return context
