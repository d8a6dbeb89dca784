"""What a container does right after its start and right before its end, and the three ways to do it."""

import http.client
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias

from gate.sandbox.kubernetes.language.objects import Object, lookup
from gate.sandbox.kubernetes.runtime.asking import Run, port_number


class HookKind(StrEnum):
    """The moments; the values are the words of the kubelet's events."""

    POST_START = "PostStart"
    PRE_STOP = "PreStop"

    @property
    def field(self) -> str:
        return self.value[0].lower() + self.value[1:]


class HookFailed(Exception):
    """The hook did not do what it should; the text says why."""


Report: TypeAlias = Callable[[HookKind, str], None]
"""Hears that a hook has ended; with the reason, if it has failed."""


def has(container: Object, kind: HookKind) -> bool:
    return bool(lookup(container, f"lifecycle.{kind.field}"))


class Hook:
    """Does it once, on a thread of its own, and reports the end."""

    def __init__(self, kind: HookKind, container: Object, address: str, run: Run, report: Report) -> None:
        self._kind = kind
        self._container = container
        self._spec: Object = lookup(container, f"lifecycle.{kind.field}")
        self._address = address
        self._run_command = run
        self._report = report
        self._closed = threading.Event()
        threading.Thread(target=self._run, name=f"{kind.value}-hook", daemon=True).start()

    def close(self) -> None:
        """End a sleep early; anything else goes its way, and nobody hears of its end."""
        self._closed.set()

    def _run(self) -> None:
        failure = ""
        try:
            self._act()
        except (HookFailed, OSError, http.client.HTTPException) as error:
            failure = str(error)
        if not self._closed.is_set():
            self._report(self._kind, failure)

    def _act(self) -> None:
        if "exec" in self._spec:
            ran = self._run_command(self._spec["exec"]["command"], None)
            if ran.code:
                raise HookFailed(f"command exited with {ran.code}: {ran.output}")
        elif "httpGet" in self._spec:
            self._get(self._spec["httpGet"])
        elif "sleep" in self._spec:
            self._closed.wait(float(self._spec["sleep"]["seconds"]))
        else:
            raise HookFailed("the sandbox knows the hooks exec, httpGet and sleep")

    def _get(self, where: Object) -> None:
        host = where.get("host") or self._address
        connection = http.client.HTTPConnection(host, port_number(self._container, where["port"]))
        try:
            connection.request("GET", where.get("path") or "/")
            status = connection.getresponse().status
        finally:
            connection.close()
        if status >= http.HTTPStatus.BAD_REQUEST:
            raise HookFailed(f"HTTP status {status}")
