"""Probes of a container: a question asked every so often, on its own thread, and a verdict when it has changed."""

import http.client
import socket
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias

from gate.sandbox.kubernetes.objects import Object

Run: TypeAlias = Callable[[list[str], float], int | None]
"""Runs a command as the container would, for at most so many seconds; its exit code, None if it took longer."""

Report: TypeAlias = Callable[["ProbeKind", bool, str], None]


class ProbeKind(StrEnum):
    STARTUP = "Startup"
    READINESS = "Readiness"
    LIVENESS = "Liveness"

    @property
    def field(self) -> str:
        return f"{self.value.lower()}Probe"


class ProbeFailed(Exception):
    """The answer was no, or there was none; the text is the kubelet's message."""


class Probe:
    """Asks until it is closed. `report` hears each change of the verdict, the first one included."""

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
            if in_a_row >= needed and good is not verdict and not self._closed.is_set():
                verdict = good
                self._report(self._kind, good, message)

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
            address = (where.get("host") or self._address, self._port(where["port"]))
            socket.create_connection(address, timeout=timeout).close()
        elif "exec" in self._spec:
            code = self._run_command(self._spec["exec"]["command"], timeout)
            if code is None:
                raise ProbeFailed(f"command timed out after {timeout:g}s")
            if code:
                raise ProbeFailed(f"command terminated with exit code {code}")
        else:
            raise ProbeFailed("the sandbox knows the probes httpGet, tcpSocket and exec")

    def _get(self, where: Object, timeout: float) -> None:
        if where["scheme"] != "HTTP":
            raise ProbeFailed(f"the sandbox does not probe with scheme {where['scheme']}")
        host, port = where.get("host") or self._address, self._port(where["port"])
        headers = {"User-Agent": "kube-probe/1.32", "Accept": "*/*", "Connection": "close"}
        headers |= {header["name"]: header["value"] for header in where.get("httpHeaders") or ()}
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
        try:
            connection.request("GET", where["path"], headers=headers)
            status = connection.getresponse().status
        except TimeoutError as error:
            raise ProbeFailed(
                f'Get "http://{host}:{port}{where["path"]}": context deadline exceeded '
                "(Client.Timeout exceeded while awaiting headers)"
            ) from error
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ProbeFailed(f'Get "http://{host}:{port}{where["path"]}": dial tcp {host}:{port}: {reason}') from error
        finally:
            connection.close()
        if not http.HTTPStatus.OK <= status < http.HTTPStatus.BAD_REQUEST:
            raise ProbeFailed(f"HTTP probe failed with statuscode: {status}")

    def _port(self, port: int | str) -> int:
        if isinstance(port, int):
            return port
        for named in self._container.get("ports") or ():
            if named.get("name") == port:
                return int(named["containerPort"])
        raise ProbeFailed(f'unknown port "{port}"')
