"""The balancer treats its clients as kube-proxy would."""

import contextlib
import gc
import socket
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from gate.sandbox.kubernetes.services.addresses import Addresses
from gate.sandbox.kubernetes.services.balancer import Balancer
from gate.sandbox.kubernetes.services.routes import Socket

PORT = 8080
PATIENCE = 20.0
"""Seconds after which a test that waits for a peer gives up."""


@dataclass
class Backend:
    """A server that greets each connection with its name, then echoes."""

    at: Socket
    name: bytes
    listener: socket.socket = field(init=False)
    connections: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.listener = socket.create_server((self.at.host, self.at.port))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections.append(connection)
                threading.Thread(target=self._talk, args=[connection], daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.sendall(self.name + b"\n")
            while data := connection.recv(65_536):
                connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)

    def die(self) -> None:
        """As a process that is killed: nobody listens, and open connections break."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


@pytest.fixture
def addresses() -> Iterator[Addresses]:
    with Addresses() as addresses:
        yield addresses


@pytest.fixture
def backend(addresses: Addresses) -> Iterator[Callable[[bytes], Backend]]:
    with contextlib.ExitStack() as stack:

        def start(name: bytes) -> Backend:
            started = Backend(Socket(host=addresses.pod(), port=PORT), name)
            stack.callback(started.die)
            return started

        yield start


@pytest.fixture
def balancer() -> Iterator[Balancer]:
    with Balancer(unbound=lambda _at, _error: None) as balancer:
        yield balancer


@pytest.fixture
def service(addresses: Addresses) -> Socket:
    return Socket(host=addresses.service(), port=PORT)


def connect(at: Socket) -> socket.socket:
    return socket.create_connection((at.host, at.port), timeout=PATIENCE)


def greeting(at: Socket) -> bytes:
    with connect(at) as client, client.makefile("rb") as lines:
        return lines.readline().strip()


def test_connections_go_to_the_endpoints_in_turn(balancer, backend, service):
    one, two = backend(b"one"), backend(b"two")
    balancer.route({service: (one.at, two.at)})
    assert [greeting(service) for _ in range(4)] == [b"one", b"two", b"one", b"two"]


def test_a_service_without_ready_endpoints_refuses_until_there_is_one(balancer, backend, service):
    balancer.route({service: ()})
    with pytest.raises(ConnectionRefusedError):
        connect(service)
    balancer.route({service: (backend(b"one").at,)})
    assert greeting(service) == b"one"
    balancer.route({service: ()})
    with pytest.raises(ConnectionRefusedError):
        connect(service)


def test_a_connection_to_an_endpoint_that_just_died_is_reset(balancer, backend, service):
    dead = backend(b"dead")
    balancer.route({service: (dead.at,)})
    dead.die()
    with pytest.raises(ConnectionResetError), connect(service) as client:  # it may break as soon as it is made
        client.recv(1)


def test_no_connection_is_lost_that_was_made_while_its_service_went(backend, service):
    """Whether each client hears of it is the kernel's: one whose handshake meets the closing may hear nothing."""
    one, over, served = backend(b"one"), threading.Event(), []

    def insist() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError), socket.create_connection((service.host, service.port), 0.2) as client:
                served.append(client.recv(3))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with Balancer(unbound=lambda _at, _error: None) as balancer:
            clients = [threading.Thread(target=insist) for _ in range(4)]
            for client in clients:
                client.start()
            for _ in range(400):
                balancer.route({service: (one.at,)})
                balancer.route({service: ()})
            over.set()
            for client in clients:
                client.join()
        gc.collect()
    assert b"one" in served
    assert [str(each.message) for each in caught] == []


def test_an_open_connection_stays_with_its_endpoint_when_that_leaves_the_service(balancer, backend, service):
    one, two = backend(b"one"), backend(b"two")
    balancer.route({service: (one.at,)})
    with connect(service) as client, client.makefile("rb") as lines:
        assert lines.readline() == b"one\n"
        balancer.route({service: (two.at,)})
        client.sendall(b"still there?\n")
        assert lines.readline() == b"still there?\n"


def test_an_open_connection_breaks_when_its_endpoint_dies(balancer, backend, service):
    one = backend(b"one")
    balancer.route({service: (one.at,)})
    with connect(service) as client, client.makefile("rb") as lines:
        assert lines.readline() == b"one\n"
        one.die()
        with contextlib.suppress(ConnectionResetError):
            assert lines.readline() == b""


def test_much_data_passes_whole_in_both_directions_and_half_closed_ends_too(balancer, backend, service):
    balancer.route({service: (backend(b"one").at,)})
    sent = b"0123456789abcdef" * 250_000
    with connect(service) as client:
        received = bytearray()

        def read() -> None:
            while data := client.recv(65_536):
                received.extend(data)

        reader = threading.Thread(target=read)
        reader.start()
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        reader.join(PATIENCE)
    assert bytes(received) == b"one\n" + sent


def test_a_port_that_cannot_be_bound_is_told_and_the_others_work(addresses, backend, service):
    complaints: list[Socket] = []
    one, taken = backend(b"one"), backend(b"taken")
    with Balancer(unbound=lambda at, _error: complaints.append(at)) as balancer:
        balancer.route({taken.at: (one.at,), service: (one.at,)})
        assert greeting(service) == b"one"
    assert complaints == [taken.at]


def test_closing_the_balancer_breaks_what_is_open(backend, service):
    one = backend(b"one")
    balancer = Balancer(unbound=lambda _at, _error: None)
    balancer.route({service: (one.at,)})
    with connect(service) as client, client.makefile("rb") as lines:
        assert lines.readline() == b"one\n"
        balancer.close()
        with pytest.raises(ConnectionResetError):
            lines.readline()
