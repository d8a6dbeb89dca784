"""Each behaviour as a TCP client sees it, over real sockets."""

import socket
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gate.errors import Permanent
from gate.proxy.counters import Ending
from gate.proxy.spec import Address, address
from tests.proxy.conftest import Ground, everything, exactly

Eventually = Callable[[Callable[[], object]], None]


def through(ground: Ground, does: dict[str, Any] | str, **more: Any) -> socket.socket:
    """A client of a proxy that does that to every connection, before an upstream that echoes."""
    mix = does if isinstance(does, str) else [does]
    return ground.connect(ground.put(ground.upstream(**more).port, mix=mix))


def asked(client: socket.socket, text: bytes = b"hello") -> bytes:
    client.sendall(text)
    return exactly(client, len(text))


def nothing_comes(client: socket.socket) -> bool:
    client.settimeout(0.1)
    try:
        return not client.recv(1)
    except TimeoutError:
        return True
    finally:
        client.settimeout(30)


def test_dummy_passes_bytes_and_the_end_of_each_way(ground: Ground) -> None:
    client = through(ground, "100:dummy")
    client.sendall(b"x" * 500_000)
    client.shutdown(socket.SHUT_WR)
    assert everything(client) == b"x" * 500_000


@pytest.mark.parametrize("per", ["once", "chunk"])
def test_delay_comes_late_and_whole(ground: Ground, per: str) -> None:
    begun = time.monotonic()
    client = through(ground, {"delay": {"time": "60ms", "per": per, "stream": "both"}})
    assert asked(client) == b"hello"
    assert time.monotonic() - begun >= (0.06 if per == "once" else 0.12)


def test_delay_keeps_the_order_whatever_the_jitter(ground: Ground) -> None:
    client = through(ground, {"delay": {"time": "20ms", "jitter": "20ms", "per": "chunk"}})
    text = b"".join(b"%04d" % n for n in range(50))
    for n in range(50):
        client.sendall(text[4 * n : 4 * n + 4])
    assert exactly(client, len(text)) == text


def test_error_is_garbage_and_the_end_and_the_same_each_time(ground: Ground) -> None:
    first = through(ground, {"error": {"bytes": 40}})
    first.sendall(b"hello")
    assert len(found := everything(first)) == 40
    other = Ground()
    try:
        assert everything(through(other, {"error": {"bytes": 40}})) == found
    finally:
        other.close()


def test_reset_is_a_true_reset(ground: Ground) -> None:
    client = through(ground, {"reset": {"after": "30ms"}})
    with pytest.raises(ConnectionResetError):
        everything(client)


def test_blackout_is_a_true_end_also_for_who_has_sent_something(ground: Ground) -> None:
    client = through(ground, {"blackout": {"after": "30ms"}})
    client.sendall(b"x" * 50_000)
    assert everything(client) == b""
    assert ground.live().counters.up == 0


def test_hang_never_answers_and_holds_the_connection(ground: Ground) -> None:
    client = through(ground, "100:hang")
    client.sendall(b"hello")
    assert nothing_comes(client)
    assert ground.live().counters.live == 1


def test_hang_ends_when_it_is_told_to(ground: Ground) -> None:
    assert everything(through(ground, {"hang": {"end": "30ms"}})) == b""


def test_a_client_that_gives_up_a_hanging_connection_leaves_nothing_behind(
    ground: Ground, eventually: Eventually
) -> None:
    through(ground, "100:hang").close()
    eventually(lambda: ground.live().counters.endings[Ending.CLOSED] == 1 and ground.live().counters.live == 0)


def test_refuse_does_not_listen_and_resets_what_was_connected(ground: Ground) -> None:
    upstream = ground.upstream()
    port = ground.put(upstream.port)
    client = ground.connect(port)
    assert asked(client) == b"hello"
    ground.put(upstream.port, mix="100:refuse")
    with pytest.raises(ConnectionResetError):
        everything(client)
    with pytest.raises(ConnectionRefusedError):
        ground.connect(port)
    ground.put(upstream.port)
    assert asked(ground.connect(port)) == b"hello"


def test_slow_takes_the_time_of_its_rate(ground: Ground) -> None:
    begun = time.monotonic()
    client = through(ground, {"slow": {"rate": 100_000}})
    assert asked(client, b"x" * 10_000) == b"x" * 10_000
    assert time.monotonic() - begun >= 0.1


def test_slow_close_ends_late(ground: Ground) -> None:
    client = through(ground, {"slow-close": {"time": "60ms"}})
    assert asked(client) == b"hello"
    begun = time.monotonic()
    client.shutdown(socket.SHUT_WR)
    assert everything(client) == b""
    assert time.monotonic() - begun >= 0.06


def test_drip_arrives_in_small_pieces(ground: Ground) -> None:
    client = through(ground, {"drip": {"size": 2, "every": "20ms"}})
    client.sendall(b"hello")
    begun = time.monotonic()
    assert exactly(client, 5) == b"hello"
    assert time.monotonic() - begun >= 0.035


def test_truncate_ends_after_so_many_bytes(ground: Ground) -> None:
    client = through(ground, {"truncate": {"after": 1000}})
    client.sendall(b"x" * 50_000)
    assert everything(client) == b"x" * 1000


def test_truncate_of_the_way_up_ends_for_the_upstream_whose_answer_passes(
    ground: Ground, eventually: Eventually
) -> None:
    client = through(ground, {"truncate": {"after": 3, "stream": "up"}})
    client.sendall(b"hello")
    assert everything(client) == b"hel"
    eventually(lambda: ground.live().counters.endings[Ending.CLOSED] == 1)


def test_an_upstream_whose_name_nobody_can_look_up_resets_the_client(ground: Ground) -> None:
    port = ground.put(1)
    bad = replace(ground.board.snapshot.proxy("inventory"), upstream=Address(host="a..b", port=80))
    ground.loop.call(lambda: ground.board.change(lambda now, at: now.put(bad, at)))
    with pytest.raises(ConnectionResetError):
        everything(ground.connect(port))


@pytest.mark.parametrize("host", ["a..b", "a b", "a\0b", f"{'x' * 64}.shop"])
def test_a_host_that_cannot_be_one_is_refused(host: str) -> None:
    with pytest.raises(Permanent, match="is not the name of a host"):
        address(f"{host}:80", "upstream")


def test_corrupt_flips_one_bit_in_each_block(ground: Ground) -> None:
    client = through(ground, {"corrupt": {"every": 100}})
    found = asked(client, bytes(1000))
    assert [sum(byte.bit_count() for byte in found[at : at + 100]) for at in range(0, 1000, 100)] == [1] * 10


def test_transient_fails_for_the_first_and_is_fine_then(ground: Ground) -> None:
    port = ground.put(ground.upstream().port, mix=[{"transient": {"first": 2, "by": {"blackout": {}}}}])
    answers = []
    for _ in range(4):
        client = ground.connect(port)
        client.sendall(b"hello")
        answers.append(exactly(client, 5))
    assert answers == [b"", b"", b"hello", b"hello"]


def test_outage_and_ramp_strike_while_they_are_on(ground: Ground) -> None:
    assert everything(through(ground, {"outage": {"every": "10m", "bad": "10m", "by": {"blackout": {}}}})) == b""
    client = through(ground, {"ramp": {"over": "10m", "by": {"blackout": {}}}})
    assert asked(client) == b"hello"


def test_an_outage_that_begins_reaches_connections_that_are_open(ground: Ground) -> None:
    client = through(ground, {"outage": {"every": "100ms", "bad": "30ms", "by": {"reset": {"after": "1ms"}}}})

    def ask_on() -> None:
        while True:
            asked(client)

    with pytest.raises(ConnectionError):
        ask_on()


# --------------------------------------------------------------------------------------------- changes, and back again


def test_a_fault_reaches_connections_that_are_open_and_its_end_heals_them(ground: Ground) -> None:
    upstream = ground.upstream()
    port = ground.put(upstream.port)
    client = ground.connect(port)
    assert asked(client) == b"hello"
    ground.put(upstream.port, mix="100:hang")
    client.sendall(b"still there?")
    assert nothing_comes(client)
    ground.put(upstream.port)
    assert exactly(client, 12) == b"still there?"


def test_what_a_delay_holds_comes_when_the_delay_is_taken_back(ground: Ground, eventually: Eventually) -> None:
    upstream = ground.upstream()
    port = ground.put(upstream.port, mix=[{"delay": {"time": "1h", "per": "chunk"}}])
    client = ground.connect(port)
    client.sendall(b"hello")
    eventually(lambda: ground.live().counters.affected["delay"])
    assert nothing_comes(client)
    ground.put(upstream.port)
    assert exactly(client, 5) == b"hello"


def test_a_connection_that_waits_for_a_delay_before_it_connects_is_healed(ground: Ground) -> None:
    upstream = ground.upstream()
    client = ground.connect(ground.put(upstream.port, mix=[{"delay": {"time": "1h"}}]))
    client.sendall(b"hello")
    assert nothing_comes(client)
    ground.put(upstream.port)
    assert exactly(client, 5) == b"hello"


def test_a_connection_whose_bytes_were_changed_is_closed_when_the_fault_ends(ground: Ground) -> None:
    upstream = ground.upstream()
    client = ground.connect(ground.put(upstream.port, mix=[{"corrupt": {"every": 1}}]))
    assert asked(client) != b"hello"
    ground.put(upstream.port)
    with pytest.raises(ConnectionResetError):
        everything(client)


def test_the_same_again_and_a_fault_of_nobody_disturb_no_connection(ground: Ground) -> None:
    upstream = ground.upstream()
    port = ground.put(upstream.port, mix="50:corrupt")
    clients = [ground.connect(port) for _ in range(12)]
    before = [asked(each, b"x" * 3000) == b"x" * 3000 for each in clients]
    ground.put(upstream.port, mix="50:corrupt")
    ground.put(upstream.port, mix="50:corrupt", faults=[{"percent": "0%", "reset": {}}])
    assert [asked(each, b"x" * 3000) == b"x" * 3000 for each in clients] == before
    assert {True, False} == set(before)


def test_a_fault_is_taken_back_with_a_full_buffer_and_a_client_that_does_not_read(
    ground: Ground, eventually: Eventually
) -> None:
    upstream = ground.upstream(first=b"x" * 20_000_000)
    port = ground.put(upstream.port, mix=[{"slow": {"rate": 10_000}}])
    ground.connect(port)
    eventually(lambda: ground.live().counters.down > 0)
    ground.put(upstream.port)
    eventually(lambda: ground.live().counters.down > 500_000)
    ground.put(upstream.port, mix="100:reset")
    eventually(lambda: ground.live().counters.live == 0)


def black_hole(ground: Ground) -> int:
    """A port that takes connections of nobody: its queue is full."""
    hole = socket.create_server(("127.0.0.1", 0), backlog=0)
    ground.closing.append(hole.close)
    for _ in range(3):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(hole.getsockname())
        ground.closing.append(filler.close)
    return int(hole.getsockname()[1])


def test_a_dead_upstream_holds_up_nobody_else_and_no_change(ground: Ground, eventually: Eventually) -> None:
    dead = black_hole(ground)
    stuck = [ground.connect(ground.put(dead, mix=[{"percent": 0, "delay": {}}])) for _ in range(20)]
    assert asked(ground.connect(ground.put(ground.upstream().port, name="other"))) == b"hello"
    assert asked(ground.connect(ground.put(ground.upstream().port, name="inventory"))) == b"hello"
    with pytest.raises(ConnectionResetError):
        everything(stuck[0])
    eventually(lambda: ground.live().counters.endings[Ending.CHANGED] == 20)


def test_an_upstream_that_is_not_there_resets_the_client_and_is_counted(ground: Ground) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        gone = free.getsockname()[1]
    with pytest.raises(ConnectionResetError):
        everything(ground.connect(ground.put(gone)))
    assert ground.live().counters.endings[Ending.UPSTREAM] == 1


def test_an_upstream_that_does_not_answer_in_time_resets_the_client(ground: Ground) -> None:
    with pytest.raises(ConnectionResetError):
        everything(ground.connect(ground.put(black_hole(ground), connectTimeout="50ms")))


def test_a_fault_whose_lease_nobody_renews_ends_by_itself(ground: Ground) -> None:
    lease = {"owner": "run-1", "time": "80ms"}
    client = through(ground, {"hang": {}, "lease": lease})
    client.sendall(b"hello")
    assert exactly(client, 5) == b"hello"
    assert ground.board.snapshot.generation == 2


# ------------------------------------------------------------------------------------------------------- what it says


def test_nothing_at_all_leaves_bytes_and_socket_options_as_they_are(ground: Ground) -> None:
    options = []
    for mix in ("", "0:reset"):
        client = ground.connect(ground.put(ground.upstream().port, name=f"mix {mix}", mix=mix))
        assert asked(client) == b"hello"
        (link,) = ground.live(f"mix {mix}").links
        own = link.client.transport.get_extra_info("socket")  # type: ignore[attr-defined]
        names = (socket.SO_LINGER, socket.SO_KEEPALIVE, socket.SO_REUSEADDR)
        options.append([own.getsockopt(socket.SOL_SOCKET, name, 8) for name in names])
    assert options[0] == options[1]


def test_the_first_connection_of_a_new_proxy_meets_its_behaviour(ground: Ground) -> None:
    upstream = ground.upstream()
    for n in range(10):
        client = ground.connect(ground.put(upstream.port, name=f"p{n}", mix="100:blackout"))
        assert everything(client) == b""
    assert upstream.got == b""


def test_counters_move_while_the_connection_is_open(ground: Ground) -> None:
    client = through(ground, "100:delay")
    ground.put(ground.upstream().port)
    client = ground.connect(ground.put(ground.upstream().port, name="b", mix=[{"delay": {"time": "1ms"}}]))
    assert asked(client) == b"hello"
    counters = ground.live("b").counters
    assert (counters.connections, counters.live, counters.seen, counters.clean) == (1, 1, 1, 0)
    assert (counters.up, counters.down, counters.affected["delay"]) == (5, 5, 1)


def test_what_has_no_effect_is_picked_and_not_affected(ground: Ground) -> None:
    faults = [{"truncate": {"after": 10**6}}, {"corrupt": {"every": 10**9}}, {"drip": {"size": 50}}]
    client = ground.connect(ground.put(ground.upstream().port, faults=faults))
    assert asked(client) == b"hello"
    counters = ground.live().counters
    assert counters.picked == {"truncate": 1, "corrupt": 1, "drip": 1}
    assert counters.affected == {}


def test_a_fault_that_comes_again_strikes_again_on_one_connection(ground: Ground) -> None:
    upstream = ground.upstream()
    client = ground.connect(ground.put(upstream.port))
    assert asked(client) == b"hello"
    for times in (1, 2):
        ground.put(upstream.port, mix="100:hang")
        assert ground.live().counters.affected == {"hang": times}
        ground.put(upstream.port)


def test_a_port_that_is_taken_is_said_and_nothing_changes(ground: Ground) -> None:
    taken = ground.upstream().port
    before = ground.board.snapshot
    with pytest.raises(Permanent, match=f"listen 127.0.0.1:{taken}: is taken; choose another port"):
        ground.put(1, listen=f"127.0.0.1:{taken}")
    assert ground.board.snapshot is before
    assert ground.board.live == {}
