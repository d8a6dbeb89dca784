"""HTTP heads: what is taken, what is refused, and that nothing else ever comes of any bytes."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gate.proxy.decision import short
from gate.proxy.head import (
    CHUNKED,
    MOST,
    UNTIL_CLOSE,
    BadHead,
    Body,
    end_of_head,
    length_of_request,
    length_of_response,
    request_head,
    response_head,
)

NAMES = st.sampled_from(["Content-Length", "content-length", "Transfer-Encoding", "Host", "X-Request-Id", "X"])
FEW = settings(max_examples=40)
VALUES = st.sampled_from(["5", "0", "chunked", "gzip, chunked", " 5", "-1", "5, 5", "0x5", "é"]) | st.text(max_size=5)


def request(*headers: str, line: str = "GET / HTTP/1.1") -> bytes:
    return "\r\n".join([line, *headers, "", ""]).encode("latin-1")


def test_a_head_is_read_and_headers_keep_their_order_and_their_case() -> None:
    head = request_head(request("Host: a", "X-Id: 1", "x-id:2 "))
    assert head.first == ("GET", "/", "HTTP/1.1")
    assert list(head.headers) == [("Host", "a"), ("X-Id", "1"), ("x-id", "2")]
    assert head.named() == {"host": "a", "x-id": "1, 2"}


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request(line="GET /"), 400),
        (request(line="GET  / HTTP/1.1"), 400),
        (request(line="G\tT / HTTP/1.1"), 400),
        (request(line="GET /a b HTTP/1.1"), 400),
        (request(line="GET / HTTP/3.0"), 505),
        (request("Host : a"), 400),
        (request(" folded"), 400),
        (request("Host: a\nEvil: b"), 400),
        (request("Host: a\rb"), 400),
        (request("Host: a\0"), 400),
        (request("Content-Length: 5", "Transfer-Encoding: chunked"), 400),
        (request("Content-Length: 5", "Content-Length: 6"), 400),
        (request("Content-Length: +5"), 400),
        (request("Content-Length: 1_0"), 400),
        (request("Content-Length: \xb2"), 400),
        (request("Transfer-Encoding: gzip"), 501),
        (request("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 501),
    ],
)
def test_what_two_readers_could_take_differently_is_refused(sent: bytes, status: int) -> None:
    with pytest.raises(BadHead) as refusal:
        length_of_request(request_head(sent))
    assert refusal.value.status == status


@pytest.mark.parametrize(
    ("line", "headers", "method", "length"),
    [
        ("HTTP/1.1 200 OK", ["Content-Length: 5"], "GET", 5),
        ("HTTP/1.1 200 OK", ["Content-Length: 5"], "HEAD", 0),
        ("HTTP/1.1 200", [], "GET", UNTIL_CLOSE),
        ("HTTP/1.1 204 None", ["Content-Length: 5"], "GET", 0),
        ("HTTP/1.1 304 Same", [], "GET", 0),
        ("HTTP/1.1 100 Go on", [], "POST", 0),
        ("HTTP/1.1 500 x", ["Transfer-Encoding: Chunked"], "GET", CHUNKED),
    ],
)
def test_the_length_of_a_response_follows_from_status_method_and_headers(
    line: str, headers: list[str], method: str, length: int
) -> None:
    assert length_of_response(response_head(request(*headers, line=line)), method) == length


def test_a_head_without_end_is_refused_when_it_is_too_long() -> None:
    assert end_of_head(b"GET / HTTP/1.1\r\n") is None
    with pytest.raises(BadHead) as refusal:
        end_of_head(b"x" * (MOST + 1))
    assert refusal.value.status == 431


@FEW
@given(st.binary(max_size=300) | st.text(alphabet="GET /HTP1.0:\r\n\t x", max_size=80).map(str.encode))
@example(b"GET / HTTP/1.1\r\n\r\n")
def test_whatever_bytes_come_are_a_head_or_a_refusal(data: bytes) -> None:
    for read in (request_head, response_head):
        try:
            head = read(data + b"\r\n\r\n")
        except BadHead:
            pass
        else:
            assert len(head.first) == 3
            assert not any("\r" in text or "\n" in text for pair in head.headers for text in pair)


@FEW
@given(st.lists(st.tuples(NAMES, VALUES), max_size=4))
def test_whatever_headers_come_there_is_one_length_or_a_refusal(headers: list[tuple[str, str]]) -> None:
    sent = "\r\n".join(["POST / HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""])
    try:
        length = length_of_request(request_head(sent.encode("utf-8")))
    except BadHead:
        return
    assert length >= 0 or length == CHUNKED


@FEW
@given(st.lists(st.binary(min_size=1, max_size=40), max_size=4), st.data())
def test_a_chunked_body_is_followed_to_its_end_whatever_pieces_it_comes_in(
    chunks: list[bytes], data: st.DataObject
) -> None:
    sent = b"".join(b"%x;a=b\r\n%s\r\n" % (len(each), each) for each in chunks) + b"0\r\nX: y\r\n\r\n"
    whole = sent + b"NEXT"
    body, at = Body(CHUNKED), 0
    while not body.done:
        piece = whole[at : at + data.draw(st.integers(1, 9))]
        at += body.take(piece)
    assert whole[at:] == b"NEXT"


@FEW
@given(st.binary(max_size=60))
def test_whatever_comes_as_chunks_is_taken_or_refused(data: bytes) -> None:
    body = Body(CHUNKED)
    try:
        assert 0 <= body.take(data) <= len(data)
    except BadHead:
        return


@pytest.mark.parametrize(
    "sent", [b"2\nxx\r\n0\r\n\r\n", b"2;\r\nxxXY0\r\n\r\n", b"2\r\r\nxx\r\n", b"0\r\n\n", b" 2\r\nxx\r\n"]
)
def test_chunks_whose_ends_could_be_taken_differently_are_refused(sent: bytes) -> None:
    with pytest.raises(BadHead):
        Body(CHUNKED).take(sent)


def test_an_identity_that_is_too_long_is_hashed_and_one_that_is_not_stays() -> None:
    assert short("a" * 256) == "a" * 256
    assert len(short("a" * 60_000)) < 256
    assert short("a" * 60_000) != short("a" * 60_001)
