"""Commands in containers, as `kubectl exec` asks for them: input, output and the end over channels of one WebSocket.

The frames are those of the library `websockets`; here is what Kubernetes puts into them, in its versions 4 and 5.
"""

import contextlib
import fcntl
import json
import os
import queue
import struct
import termios
import threading
from dataclasses import dataclass
from enum import IntEnum

from websockets.frames import Frame, Opcode
from websockets.http11 import Request as Handshake
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from gate.sandbox.kubernetes.api.pod_requests import Command, Wire
from gate.sandbox.kubernetes.language.objects import Object
from gate.sandbox.kubernetes.registry.routes import Request
from gate.sandbox.kubernetes.runtime.processes import StartFailed, Streams
from gate.sandbox.kubernetes.runtime.runtime import Runtime

_VERSIONS = [Subprotocol("v5.channel.k8s.io"), Subprotocol("v4.channel.k8s.io")]
_CHUNK = 32_768
_PATIENCE = 1.0
"""Seconds that a client has to confirm the end."""


class Channel(IntEnum):
    """The first byte of each message."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2
    ERROR = 3
    RESIZE = 4
    CLOSE = 255
    """Followed by the channel to close (version 5)."""


@dataclass(slots=True, kw_only=True)
class Child:
    """A command that runs, and our ends of its streams."""

    ended: "queue.SimpleQueue[int]"
    input: int | None
    outputs: dict[Channel, int]
    terminal: int | None

    def write(self, data: bytes) -> None:
        """Give it input; what it does not want any more is dropped."""
        with contextlib.suppress(BrokenPipeError):
            while data and self.input is not None:
                data = data[os.write(self.input, data) :]

    def close_input(self) -> None:
        if self.input is not None:
            os.close(self.input)
            self.input = None

    def resize(self, width: int, height: int) -> None:
        if self.terminal is not None:
            fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


class Session:
    """One conversation about one command."""

    def __init__(self, runtime: Runtime, process: str, command: Command, request: Request) -> None:
        self._runtime = runtime
        self._process = process
        self._command = command
        self._request = request
        self._protocol = ServerProtocol(subprotocols=_VERSIONS)
        self._one_at_a_time = threading.Lock()
        self._over = threading.Event()
        self._wire: Wire
        self._message = b""

    def hold(self, wire: Wire) -> None:
        """Speak until one side has said all."""
        self._wire = wire
        if not self._shake_hands():
            return
        # As the real server does it: an empty message tells the client that the streams are there.
        self._send(Channel.STDOUT if self._command.stdout else Channel.ERROR, b"")
        try:
            child = start(self._runtime, self._process, self._command)
        except StartFailed as error:
            self._conclude(_not_started(str(error)))
            return
        threading.Thread(target=self._see_to_its_end, args=(child,), name="exec", daemon=True).start()
        try:
            self._listen(child)
        finally:
            self._over.set()
            child.close_input()

    def _shake_hands(self) -> bool:
        head = [
            f"GET {self._request.path} HTTP/1.1",
            *(f"{key}: {value}" for key, value in self._request.headers.items()),
        ]
        self._protocol.receive_data("\r\n".join([*head, "", ""]).encode())
        for event in self._protocol.events_received():
            if isinstance(event, Handshake):
                self._protocol.send_response(self._protocol.accept(event))
        self._flush()
        return self._protocol.state is State.OPEN

    def _listen(self, child: Child) -> None:
        while data := self._wire.receive():
            with self._one_at_a_time:
                self._protocol.receive_data(data)
                events = self._protocol.events_received()
                self._flush()
            for event in events:
                if isinstance(event, Frame) and self._is_message(event):
                    self._take(child, self._message)
                    self._message = b""
            if self._protocol.close_expected():
                return

    def _is_message(self, frame: Frame) -> bool:
        """Whether a message is complete with this frame."""
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return False
        self._message += bytes(frame.data)
        return frame.fin

    def _take(self, child: Child, message: bytes) -> None:
        channel, content = message[:1], message[1:]
        if channel == bytes([Channel.STDIN]):
            child.write(content)
        elif channel == bytes([Channel.RESIZE]):
            with contextlib.suppress(ValueError, KeyError):  # a size that cannot be read changes nothing
                size = json.loads(content)
                child.resize(int(size["Width"]), int(size["Height"]))
        elif channel == bytes([Channel.CLOSE]) and content == bytes([Channel.STDIN]) and child.terminal is None:
            child.close_input()

    def _see_to_its_end(self, child: Child) -> None:
        """Pass on what the command writes, and then how it ended."""
        pumps = [
            threading.Thread(target=self._pump, args=(channel, output), name=f"exec-{channel.name}", daemon=True)
            for channel, output in child.outputs.items()
        ]
        for pump in pumps:
            pump.start()
        for pump in pumps:
            pump.join()
        self._conclude(_ended(child.ended.get(), self._command.words))
        if not self._over.wait(_PATIENCE):
            self._wire.hang_up()
        if child.terminal is not None:
            os.close(child.terminal)

    def _pump(self, channel: Channel, output: int) -> None:
        with os.fdopen(output, "rb", buffering=0) as source, contextlib.suppress(OSError):
            while data := source.read(_CHUNK):  # OSError: the terminal has ended, or the client is gone
                self._send(channel, data)

    def _conclude(self, status: Object) -> None:
        with contextlib.suppress(OSError):
            self._send(Channel.ERROR, json.dumps(status).encode())
            with self._one_at_a_time:
                if self._protocol.state is State.OPEN:  # the client may have said goodbye first
                    self._protocol.send_close(1000)
                self._flush()

    def _send(self, channel: Channel, data: bytes) -> None:
        """OSError when the client is gone."""
        with self._one_at_a_time:
            if self._protocol.state is not State.OPEN:
                raise BrokenPipeError
            self._protocol.send_binary(bytes([channel]) + data)
            self._flush()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._wire.send(data)


def start(runtime: Runtime, process: str, command: Command) -> Child:
    """Start the command with the streams that are asked for.

    Raises:
        StartFailed: there is no such program, or the container has ended.
    """
    with contextlib.ExitStack() as theirs, contextlib.ExitStack() as on_failure:
        if command.terminal:
            terminal, end = os.openpty()
            theirs.callback(os.close, end)
            streams = Streams(input=end, output=end, errors=end, terminal=True)
            ours = {Channel.STDIN: os.dup(terminal), Channel.STDOUT: os.dup(terminal)}
        else:
            terminal = None
            nothing = os.open(os.devnull, os.O_RDWR)
            theirs.callback(os.close, nothing)
            ends, ours = dict.fromkeys((Channel.STDIN, Channel.STDOUT, Channel.STDERR), nothing), {}
            wanted = {
                Channel.STDIN: command.stdin,
                Channel.STDOUT: command.stdout,
                Channel.STDERR: command.stderr,
            }
            for channel in [channel for channel, is_wanted in wanted.items() if is_wanted]:
                reading, writing = os.pipe()
                is_input = channel is Channel.STDIN
                ends[channel], ours[channel] = (reading, writing) if is_input else (writing, reading)
                theirs.callback(os.close, ends[channel])
            streams = Streams(input=ends[Channel.STDIN], output=ends[Channel.STDOUT], errors=ends[Channel.STDERR])
        for descriptor in (*ours.values(), *([terminal] if terminal is not None else [])):
            on_failure.callback(os.close, descriptor)
        _name, ended = runtime.attach(process, command.words, streams)
        on_failure.pop_all()
    return Child(ended=ended, input=ours.pop(Channel.STDIN, None), outputs=ours, terminal=terminal)


def _ended(code: int, words: tuple[str, ...]) -> Object:
    """The metav1.Status that tells the client how its command ended."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    what = f"error executing command [{' '.join(words)}], exit code {code}"
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: {what}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def _not_started(why: str) -> Object:
    message = f"error executing command in container: failed to start: {why}"
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"Internal error occurred: {message}",
        "reason": "InternalError",
        "details": {"causes": [{"message": message}]},
        "code": 500,
    }
