"""DSSE envelopes, signed with Ed25519: a payload, its type, and a signature over both, as one line of JSON.

The format is that of the DSSE protocol 1.0 (github.com/secure-systems-lab/dsse). What is read is taken as strictly as
it is written: a byte that nothing depends on could be another one, and nobody would notice.
"""

import base64
import binascii
import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gate.errors import GateError

LONGEST = 1024 * 1024
"""Bytes of an envelope."""
FIELDS = {"payload", "payloadType", "signatures"}


class NoEnvelope(GateError):
    """It is none, or not all of it is there."""


class Untrue(GateError):
    """It is an envelope, and not one that this key has signed as it is."""


def private_key(pem: str, where: str) -> Ed25519PrivateKey:
    """The key in a PEM file without a password; `GateError` that names `where` if there is none."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # its own text may show parts of the key
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        remedy = "make one by: openssl genpkey -algorithm ed25519"
        raise GateError(f"{where} holds no private Ed25519 key in PEM without a password; {remedy}")
    return key


def public_key(file: Path) -> Ed25519PublicKey:
    """The public key in a PEM file; `GateError` if there is none."""
    try:
        key = serialization.load_pem_public_key(file.read_bytes())
    except OSError as error:
        raise GateError(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        remedy = "make it by: openssl pkey -in PRIVATE -pubout"
        raise GateError(f"{file} holds no public Ed25519 key in PEM; {remedy}")
    return key


def key_id(key: Ed25519PublicKey) -> str:
    """What a key is called in envelopes: a hint for people, and no proof."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def sign(payload: bytes, payload_type: str, key: Ed25519PrivateKey) -> str:
    """The envelope, without a line break. The same for the same payload and key."""
    signature = {"keyid": key_id(key.public_key()), "sig": _encode(key.sign(encoded(payload_type, payload)))}
    envelope = {"payload": _encode(payload), "payloadType": payload_type, "signatures": [signature]}
    return json.dumps(envelope, separators=(",", ":"))


def opened(envelope: bytes, payload_type: str, key: Ed25519PublicKey) -> bytes:
    """The payload, if the key has signed it as being of that type. Raises `NoEnvelope` or `Untrue`, with the reason."""
    payload, said_type, name, signature = _parts(envelope)
    if name != key_id(key):
        raise Untrue(f"it is signed by the key {name}, and this is the key {key_id(key)}; give the other one's file")
    try:
        key.verify(signature, encoded(said_type, payload))
    except InvalidSignature:
        raise Untrue("its content is not what was signed; take it anew from where it was written") from None
    if said_type != payload_type:
        raise Untrue(f"its payload is of the type {said_type[:80]!r}, not {payload_type}; it says something else")
    return payload


def unverified(envelope: bytes) -> bytes:
    """The payload, whoever signed it or changed it since. Raises `NoEnvelope`."""
    payload, *_ = _parts(envelope)
    return payload


def encoded(payload_type: str, payload: bytes) -> bytes:
    """What is signed: the lengths are part of it, so that no two pairs look the same."""
    name = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(name), name, len(payload), payload)


def _parts(envelope: bytes) -> tuple[bytes, str, str, bytes]:
    if len(envelope) > LONGEST:
        raise NoEnvelope(f"it is no envelope: it has more than {LONGEST} bytes")
    try:
        match json.loads(envelope):
            case {"payload": str(payload), "payloadType": str(said_type), "signatures": [dict(signature)]} as said:
                if set(said) == FIELDS and set(signature) == {"keyid", "sig"}:
                    return _decode(payload), said_type, str(signature["keyid"]), _decode(str(signature["sig"]))
    except (ValueError, RecursionError) as error:
        raise NoEnvelope(f"it is no envelope, or ends before its end: {error}") from error
    raise NoEnvelope("it is no envelope: it has not payload, payloadType, and one signature with keyid and sig")


def _encode(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _decode(text: str) -> bytes:
    """Of either alphabet. Raises `ValueError` for all that does not come out as it went in."""
    plain: Any = text.replace("-", "+").replace("_", "/") if not {"+", "/"} & set(text) else text
    try:
        value = base64.b64decode(plain, validate=True)
    except binascii.Error as error:
        raise ValueError(f"what should be base64 is not: {error}") from error
    if _encode(value) != plain:
        raise ValueError("what should be base64 is not: it has bits too many")
    return value
