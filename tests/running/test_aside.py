"""Nobody waits longer than he wants, however long the work takes; and nothing that the work says is lost."""

import socket
import threading
from collections.abc import Iterator

import pytest

from gate.errors import Absent, Temporary
from gate.running.aside import Aside
from gate.running.lookups import Lookups, meaning


@pytest.fixture
def never() -> Iterator[threading.Event]:
    """Set when the test is over, so that work that waits for it ends."""
    event = threading.Event()
    yield event
    event.set()


def test_what_the_work_gives_or_raises_is_what_one_gets() -> None:
    aside = Aside("the work")

    def fails() -> None:
        raise TimeoutError("its own")

    assert aside.wait_for(lambda: 5, 2) == 5
    with pytest.raises(TimeoutError, match="its own"):
        aside.wait_for(fails, 2)


def test_work_that_takes_too_long_is_left_alone(never: threading.Event) -> None:
    aside = Aside("the work")
    with pytest.raises(Temporary, match="the work did not end within 50ms"):
        aside.wait_for(lambda: never.wait(20), 0.05)
    assert aside.wait_for(lambda: 5, 2) == 5


def test_work_for_which_there_is_no_thread_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def has_none(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    aside = Aside("the work", most=1)
    with monkeypatch.context() as short:
        short.setattr(threading.Thread, "start", has_none)
        with pytest.raises(Temporary, match="the work is not begun: can't start new thread"):
            aside.begin(lambda: 5)
    assert aside.wait_for(lambda: 5, 2) == 5


def test_work_that_never_ends_does_not_pile_up(never: threading.Event) -> None:
    aside = Aside("the work", most=2)
    for _ in range(2):
        with pytest.raises(Temporary, match="did not end"):
            aside.wait_for(lambda: never.wait(20), 0.01)
    with pytest.raises(Temporary, match="those before it have not ended yet"):
        aside.wait_for(lambda: 5, 2)


def test_an_address_is_looked_up_as_it_is() -> None:
    (address,) = Lookups("anything", lambda _: "127.0.0.1").addresses(80, 5)
    assert (address.family, address.at) == (socket.AF_INET, ("127.0.0.1", 80))


def test_what_is_an_address_already_is_looked_up_by_nobody() -> None:
    def resolve(host: str) -> str:
        raise AssertionError(host)

    (address,) = Lookups("127.0.0.1", resolve).addresses(80, 5)
    assert address.at == ("127.0.0.1", 80)
    (address,) = Lookups("::1", resolve).addresses(80, 5)
    assert address.family == socket.AF_INET6


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (socket.EAI_NONAME, Absent),
        (socket.EAI_NODATA, Absent),
        (socket.EAI_AGAIN, Temporary),
        (socket.EAI_FAIL, Temporary),
        (socket.EAI_MEMORY, Temporary),
        (socket.EAI_SYSTEM, Temporary),
    ],
)
def test_a_resolver_that_knows_that_there_is_no_such_name_says_more_than_one_that_is_silent(
    code: int, error: type[Exception]
) -> None:
    assert type(meaning(socket.gaierror(code, "said so"), "checkout.shop")) is error
