"""Of protobuf, what `kubectl create` sends is read, and everything else refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.sandbox.kubernetes.language import protobuf
from gate.sandbox.kubernetes.language.errors import UnsupportedMediaType


def field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2, len(content)]) + content


def envelope(kind: bytes, message: bytes) -> bytes:
    return b"k8s\x00" + field(1, field(1, b"v1") + field(2, kind)) + field(2, message)


def test_an_object_is_read() -> None:
    message = field(1, field(1, b"shop") + field(2, b"")) + field(2, field(1, b"a") + field(2, b"b"))
    assert protobuf.read(envelope(b"ConfigMap", message)) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "shop"},
        "data": {"a": "b"},
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"k8s\x00",
        envelope(b"Node", b""),
        envelope(b"ConfigMap", field(9, b"")),
        envelope(b"Secret", b"\x0a\x05a"),
    ],
)
def test_what_is_not_in_the_table_is_refused(body: bytes) -> None:
    with pytest.raises(UnsupportedMediaType, match="send JSON or YAML"):
        protobuf.read(body)


@given(st.sampled_from([b"Namespace", b"ConfigMap", b"Secret", b"Deployment"]), st.binary(max_size=40))
def test_no_bytes_bring_the_reader_down(kind: bytes, message: bytes) -> None:
    try:
        read = protobuf.read(envelope(kind, message))
    except UnsupportedMediaType:
        return
    assert read["kind"] == kind.decode()
