"""How a body arrives: of a length that is told, or in chunks, as `kubectl create --raw` sends what it reads."""

import io
import json
from collections.abc import Iterator
from email.message import Message

import pytest

from gate.sandbox.kubernetes.serving import arriving
from tests.grounds import Ground


def headers(**told: str) -> Message:
    made = Message()
    for name, value in told.items():
        made[name.replace("_", "-")] = value
    return made


def read(sent: bytes, **told: str) -> tuple[bytes, bytes]:
    """The body, and what is left for the next request."""
    stream = io.BytesIO(sent)
    return arriving.body(headers(**told), stream), stream.read()


def test_a_body_is_as_long_as_its_headers_say_and_without_a_length_there_is_none() -> None:
    assert read(b"abcdef", Content_Length="4") == (b"abcd", b"ef")
    assert read(b"abcdef") == (b"", b"abcdef")


@pytest.mark.parametrize(
    "sent",
    [
        b"4\r\nabcd\r\n0\r\n\r\nef",
        b"1\r\na\r\n3\r\nbcd\r\n0\r\n\r\nef",
        b"0004;why=not\r\nabcd\r\n0\r\nTrailer: x\r\n\r\nef",
    ],
)
def test_chunks_are_put_together_and_end_where_one_is_empty(sent: bytes) -> None:
    assert read(sent, Transfer_Encoding="chunked") == (b"abcd", b"ef")


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"abc", {"Content_Length": "three"}),
        (b"3\r\nabc\r\n0\r\n\r\n", {"Content_Length": "3", "Transfer_Encoding": "chunked"}),
        (b"abc", {"Transfer_Encoding": "gzip"}),
        *(
            (sent, {"Transfer_Encoding": "chunked"})
            for sent in (
                *(b"", b"3", b"3\nabc\n0\n\n", b"x\r\nabc\r\n0\r\n\r\n", b"-3\r\nabc\r\n0\r\n\r\n"),
                *(b"3\r\nab", b"3\r\nabcd\r\n0\r\n\r\n", b"3\r\nabc\r\n", b"0\r\nTrailer", b"111111111\r\na\r\n"),
            )
        ),
    ],
)
def test_what_ends_nobody_knows_where_is_refused(sent: bytes, told: dict[str, str]) -> None:
    with pytest.raises(arriving.UnreadableError):
        read(sent, **told)


def test_an_object_is_made_of_chunks_and_the_connection_goes_on(cluster: Ground, namespace: str) -> None:
    place = f"{cluster.url}/api/v1/namespaces/{namespace}/configmaps"

    def chunks() -> Iterator[bytes]:
        whole = json.dumps({"metadata": {"name": "a"}, "data": {"k": "v" * 5000}}).encode()
        yield from (whole[start : start + 700] for start in range(0, len(whole), 700))

    for code in (201, 409):
        made = cluster.session.post(place, data=chunks(), headers={"Content-Type": "application/json"}, timeout=20)
        assert made.status_code == code, made.text
    assert len(cluster.ask("GET", f"/api/v1/namespaces/{namespace}/configmaps/a").json()["data"]["k"]) == 5000
