"""Who may run a command in which container, before the conversation about it begins (`executing`)."""

from typing import Protocol

from gate.sandbox.kubernetes.api.pod_requests import Command, Conversation
from gate.sandbox.kubernetes.language.errors import ApiError, BadRequest, NotImplementedHere
from gate.sandbox.kubernetes.language.objects import Object, name_of, namespace_of
from gate.sandbox.kubernetes.registry.routes import Request
from gate.sandbox.kubernetes.runtime.runtime import Runtime


class Node(Protocol):
    """Whoever knows the containers that run."""

    runtime: Runtime

    def process(self, namespace: str, pod: str, container: str) -> str | None:
        """The name of the process of a running container; None: it does not run."""
        ...


class Commands:
    """Runs commands beside containers for clients of the API."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def execute(self, pod: Object, command: Command, request: Request) -> Conversation:
        """The conversation about a command.

        Raises:
            ApiError: the container does not run.
            BadRequest: the client does not want to change the protocol.
            NotImplementedHere: it wants to change it to SPDY, which is on its way out.
        """
        process = self._node.process(namespace_of(pod), name_of(pod), command.container)
        if process is None:
            raise ApiError(f'unable to upgrade connection: container not found ("{command.container}")')
        wanted = request.headers.get("upgrade", "").lower()
        if wanted.startswith("spdy"):
            raise NotImplementedHere("the sandbox speaks WebSocket here, not SPDY: use kubectl 1.31 or newer")
        if wanted != "websocket":
            raise BadRequest("Upgrade request required")
        # The library for WebSockets is a tenth of a start, and most sandboxes run no command.
        from gate.sandbox.kubernetes.runtime.executing import Session

        return Conversation(hold=Session(self._node.runtime, process, command, request).hold)
