"""Probes of a container: a question asked every so often, on its own thread, and a verdict when it has changed."""

import http.client
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from gate.sandbox.kubernetes.language.objects import Object
from gate.sandbox.kubernetes.runtime.asking import Run, port_number

_LONGEST_MESSAGE = 1024


class ProbeKind(StrEnum):
    STARTUP = "Startup"
    READINESS = "Readiness"
    LIVENESS = "Liveness"

    @property
    def field(self) -> str:
        return f"{self.value.lower()}Probe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a probe tells: one failure, or that so many answers alike have changed its verdict."""

    kind: ProbeKind
    good: bool
    message: str = ""
    decided: bool
    """Whether this is the verdict from now on; a failure that is not counts towards one."""


Report: TypeAlias = Callable[[Finding], None]


class ProbeFailed(Exception):
    """The answer was no, or there was none; the text is the kubelet's message."""


class Probe:
    """Asks until it is closed. `report` hears each failure, and each change of the verdict, the first one included."""

    def __init__(self, kind: ProbeKind, container: Object, address: str, run: Run, report: Report) -> None:
        self._kind = kind
        self._container = container
        self._spec: Object = container[kind.field]
        self._address = address
        self._run_command = run
        self._report = report
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"{kind.value}-probe", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ask no more. A question under way is let go: its answer is not reported."""
        self._closed.set()

    def _run(self) -> None:
        in_a_row, verdict = 0, None
        good = False
        pause = self._spec.get("initialDelaySeconds", 0)
        while not self._closed.wait(pause):
            pause = self._spec["periodSeconds"]
            was_good, good, message = good, *self._ask()
            in_a_row = in_a_row + 1 if good is was_good else 1
            needed = self._spec["successThreshold" if good else "failureThreshold"]
            decided = in_a_row >= needed and good is not verdict
            if (decided or not good) and not self._closed.is_set():
                verdict = good if decided else verdict
                self._report(Finding(kind=self._kind, good=good, message=message, decided=decided))
            if decided and not good and self._kind is not ProbeKind.READINESS:
                return  # the container is going to be restarted, and the next one gets a probe of its own

    def _ask(self) -> tuple[bool, str]:
        try:
            self._question()
        except (ProbeFailed, OSError, http.client.HTTPException) as error:
            return False, str(error)
        return True, ""

    def _question(self) -> None:
        timeout = float(self._spec["timeoutSeconds"])
        if "httpGet" in self._spec:
            self._get(self._spec["httpGet"], timeout)
        elif "tcpSocket" in self._spec:
            where = self._spec["tcpSocket"]
            address = (where.get("host") or self._address, port_number(self._container, where["port"]))
            socket.create_connection(address, timeout=timeout).close()
        elif "exec" in self._spec:
            command = self._spec["exec"]["command"]
            ran = self._run_command(command, timeout)
            if ran.code is None:
                raise ProbeFailed(f'command timed out: "{" ".join(command)}" timed out after {timeout:g}s')
            if ran.code:
                raise ProbeFailed(ran.output[:_LONGEST_MESSAGE])
        else:
            raise ProbeFailed("the sandbox knows the probes httpGet, tcpSocket and exec")

    def _get(self, where: Object, timeout: float) -> None:
        scheme = where["scheme"].lower()
        host, port = where.get("host") or self._address, port_number(self._container, where["port"])
        headers = {"User-Agent": "kube-probe/1.34", "Accept": "*/*", "Connection": "close"}
        headers |= {header["name"]: header["value"] for header in where.get("httpHeaders") or ()}
        connection = _connection(scheme, host, port, timeout)
        what = f'Get "{scheme}://{host}:{port}{where["path"]}"'
        try:
            connection.request("GET", where["path"], headers=headers)
            status = connection.getresponse().status
        except TimeoutError as error:
            raise ProbeFailed(
                f"{what}: context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
            ) from error
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ProbeFailed(f"{what}: dial tcp {host}:{port}: {reason}") from error
        finally:
            connection.close()
        if not http.HTTPStatus.OK <= status < http.HTTPStatus.BAD_REQUEST:
            raise ProbeFailed(f"HTTP probe failed with statuscode: {status}")


def _connection(scheme: str, host: str, port: int, timeout: float) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=timeout)
    # As the kubelet: a probe asks whether the container answers, not who it is.
    anybody = ssl.create_default_context()
    anybody.check_hostname = False
    anybody.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=timeout, context=anybody)
