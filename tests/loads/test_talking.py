"""How the end of an answer is told, and whether the connection can be used again."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.loads.talking import UNHEARD, Answer, Connection

REQUEST = b"GET / HTTP/1.1\r\n\r\n"


def ask(said: bytes, *, bodiless: bool = False, times: int = 1) -> list[Answer]:
    """Asks a server that says this, and hangs up. Raises one of `UNHEARD`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    async def play() -> list[Answer]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server, asyncio.timeout(10):
            connection = Connection(*await asyncio.open_connection(*server.sockets[0].getsockname()))
            try:
                return [await connection.ask(REQUEST, bodiless=bodiless) for _ in range(times)]
            finally:
                connection.hang_up()

    return asyncio.run(play())


def text(*lines: str) -> bytes:
    return "\r\n".join(lines).encode()


FULL = text("HTTP/1.1 200 OK", "Content-Length: 5", "", "hello")
CHUNKED = text("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", "5;a=b", "hello", "0", "X-Trailer: 1", "", "")


@pytest.mark.parametrize(
    ("said", "bodiless", "answer"),
    [
        (FULL, False, Answer(200, reusable=True)),
        (CHUNKED, False, Answer(200, reusable=True)),
        (text("HTTP/1.1 200 OK", "Connection: close", "Content-Length: 0", "", ""), False, Answer(200, reusable=False)),
        (text("HTTP/1.0 200 OK", "Content-Length: 0", "", ""), False, Answer(200, reusable=False)),
        (text("HTTP/1.1 200 OK", "", "until the end"), False, Answer(200, reusable=False)),
        (text("HTTP/1.1 204 No Content", "", ""), False, Answer(204, reusable=True)),
        (text("HTTP/1.1 200 OK", "Content-Length: 500", "", ""), True, Answer(200, reusable=True)),
        (text("HTTP/1.1 100 Continue", "", "") + FULL, False, Answer(200, reusable=True)),
        (text("HTTP/1.1 200", "Content-Length: 9000000", "", "x" * 1_000_001), False, Answer(200, reusable=False)),
    ],
)
def test_an_answer_ends_where_it_says(said: bytes, bodiless: bool, answer: Answer) -> None:
    assert ask(said, bodiless=bodiless) == [answer]


@pytest.mark.parametrize("one", [FULL, CHUNKED, text("HTTP/1.1 204 No Content", "", "")])
def test_the_next_answer_begins_where_the_one_before_it_ended(one: bytes) -> None:
    assert len(ask(one + FULL, times=2)) == 2


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-",
        text("HTTP/1.1 200 OK", "Content-Length: 50", "", "half"),
        text("HTTP/1.1 200 OK", "Content-Length: many", "", ""),
        text("HTTP/1.1 200 OK", "Content-Length: -1", "", ""),
        text("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", "5", "hel"),
        text("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", "five", "hello"),
        text("HTTP/1.1 200 OK", *(f"X-{number}: 1" for number in range(300)), "", ""),
        b"x" * 200_000,
    ],
)
def test_an_answer_that_does_not_come_to_its_end_is_none(said: bytes) -> None:
    with pytest.raises(UNHEARD):
        ask(said)


@given(st.binary(max_size=60), st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", CHUNKED[:50], FULL[:30]]))
def test_whatever_comes_back_is_an_answer_or_none(noise: bytes, beginning: bytes) -> None:
    try:
        (answer,) = ask(beginning + noise)
    except UNHEARD:
        return
    assert 200 <= answer.status <= 999
