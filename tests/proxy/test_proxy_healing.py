"""Healing, also where a proxy that has to listen again finds its port taken, and listeners that come and go at once."""

import asyncio
import json
import socket
import struct
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from gate.proxy.control.exchange import Question
from gate.proxy.control.own import heal
from gate.proxy.control.toxiproxy import reset
from gate.proxy.process import Beside, reload
from gate.proxy.snapshot import Snapshot
from gate.proxy.spec import document, spec
from gate.proxy.switchboard import Switchboard
from tests.proxy.conftest import Ground, exactly

Eventually = Callable[[Callable[[], object]], None]


def taken(port: int) -> socket.socket:
    """Somebody else listens there."""
    return socket.create_server(("127.0.0.1", port))


def asked(client: socket.socket) -> bytes:
    client.sendall(b"hello")
    return exactly(client, 5)


def test_a_port_that_is_taken_holds_up_the_healing_of_nobody_else(ground: Ground, eventually: Eventually) -> None:
    upstream = ground.upstream()
    port = ground.put(upstream.port, name="stuck")
    ground.put(upstream.port, name="stuck", listen=f"127.0.0.1:{port}", mix="100:refuse")
    with closing(taken(port)):
        refuse = {"refuse": {}, "ttl": "50ms"}
        ground.put(upstream.port, name="stuck", listen=f"127.0.0.1:{port}", faults=[refuse])
        client = ground.connect(ground.put(upstream.port, name="other", faults=[{"hang": {}, "ttl": "200ms"}]))
        assert asked(client) == b"hello"
        eventually(lambda: [*ground.board.waiting] == ["stuck"])
        assert ground.live("stuck").spec.refuses
    eventually(lambda: not ground.board.waiting)
    assert asked(ground.connect(port)) == b"hello"


def test_heal_takes_back_all_that_it_can_and_names_what_waits(ground: Ground, eventually: Eventually) -> None:
    upstream = ground.upstream()
    port = ground.put(upstream.port, name="stuck")
    ground.put(upstream.port, name="stuck", listen=f"127.0.0.1:{port}", enabled=False)
    client = ground.connect(ground.put(upstream.port, name="other", mix="100:hang"))
    with closing(taken(port)):
        said = json.loads(ground.loop.call(lambda: heal(ground.board, Question())).payload())
        assert said["waiting"] == ["stuck"]
        assert asked(client) == b"hello"
        before = ground.board.snapshot.generation
        ground.loop.call(lambda: reset(ground.board, Question()))
        assert ground.board.snapshot.generation == before
    eventually(lambda: not ground.board.waiting)
    assert asked(ground.connect(port)) == b"hello"


def test_what_waits_for_its_port_is_forgotten_when_the_proxy_is_changed(ground: Ground) -> None:
    port = ground.put(1, name="stuck")
    ground.put(1, name="stuck", listen=f"127.0.0.1:{port}", enabled=False)
    with closing(taken(port)):
        ground.loop.call(lambda: heal(ground.board, Question()))
        ground.loop.call(lambda: ground.board.change(lambda now, _: now.remove("stuck")))
        assert ground.board.waiting == {}


def test_a_proxy_that_goes_while_it_begins_to_listen_leaves_nothing_behind_in_the_loop(ground: Ground) -> None:
    async def come_and_go(turns: int) -> list[str]:
        loop = asyncio.get_running_loop()
        troubles: list[str] = []
        loop.set_exception_handler(lambda _, context: troubles.append(str(context)))
        board = Switchboard(Snapshot(seed="seed"))
        one = spec({"name": "brief", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1"}, "proxy")
        for number in range(turns):
            board.change(lambda now, at: now.put(one, at))
            for _ in range(number):
                await asyncio.sleep(0)
            board.change(lambda now, _: now.remove("brief"))
        board.change(lambda now, at: now.put(replace(one, name="after"), at))
        await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_connection("127.0.0.1", board.snapshot.proxy("after").listen.port)
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        await board.close()
        loop.set_exception_handler(None)
        return troubles

    assert ground.loop.wait(come_and_go(6)) == []


def test_a_file_read_again_does_not_take_away_a_seed_that_was_said_beside_it(ground: Ground, tmp_path: Path) -> None:
    file = tmp_path / "proxies.yaml"
    file.write_text("seed: 8")
    ground.loop.call(lambda: reload(ground.board, file, Beside(seed="7")))
    assert ground.board.snapshot.seed == "7"
    ground.loop.call(lambda: reload(ground.board, file, Beside()))
    assert ground.board.snapshot.seed == "8"


def test_a_client_that_has_just_gone_holds_up_no_change(ground: Ground) -> None:
    """Its RST is there, and the proxy has not read it yet: it finds out when it says the end."""
    port = ground.put(ground.upstream().port)
    gone, there = ground.connect(port), ground.connect(port)
    for each in (gone, there):
        each.sendall(b"hello")
        assert each.recv(5) == b"hello"
    gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def change() -> None:
        gone.close()
        one = ground.board.snapshot.proxy("inventory")
        (wrong,) = spec({**document(one), "faults": [{"blackout": {}}]}, "proxy").faults
        ground.board.change(lambda now, at: now.put(replace(one, faults=(wrong,)), at))

    ground.loop.call(change)
    assert there.recv(16) == b""
