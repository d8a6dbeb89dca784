"""The key that signs the JWTs of jobs: RSA by hand, for tokens that are worth nothing outside the sandbox."""

import base64
import hashlib
import json
import math
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

BITS, PRIMES = 2048, 4
"""Of the modulus. More primes than two verify alike (RFC 8017), and four are found in a quarter of the time."""
EXPONENT = 65537
ROUNDS = 10
SMALL = tuple(n for n in range(3, 2000, 2) if all(n % d for d in range(3, math.isqrt(n) + 1, 2)))
SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
"""What PKCS #1 puts before a SHA-256 digest (RFC 8017, section 9.2)."""


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """Modulus and private exponent."""

    modulus: int
    exponent: int

    def sign(self, data: bytes) -> bytes:
        """RSASSA-PKCS1-v1_5 with SHA-256."""
        length = (self.modulus.bit_length() + 7) // 8
        told = SHA256 + hashlib.sha256(data).digest()
        padded = b"\x00\x01" + b"\xff" * (length - len(told) - 3) + b"\x00" + told
        return pow(int.from_bytes(padded, "big"), self.exponent, self.modulus).to_bytes(length, "big")


class Keys:
    """One key, made when it is first needed, since that takes a moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: PrivateKey | None = None

    @property
    def _key(self) -> PrivateKey:
        with self._lock:
            if self._made is None:
                self._made = _make(BITS, PRIMES)
            return self._made

    @property
    def number(self) -> str:
        """The key's id: its thumbprint (RFC 7638)."""
        told = {"e": _text(_bytes(EXPONENT)), "kty": "RSA", "n": _text(_bytes(self._key.modulus))}
        return _text(hashlib.sha256(json.dumps(told, separators=(",", ":"), sort_keys=True).encode()).digest())

    def public(self) -> dict[str, Any]:
        """The JSON Web Key Set."""
        key = {"kty": "RSA", "kid": self.number, "use": "sig", "alg": "RS256"}
        return {"keys": [{**key, "e": _text(_bytes(EXPONENT)), "n": _text(_bytes(self._key.modulus))}]}

    def jwt(self, claims: Mapping[str, Any]) -> str:
        """A signed token."""
        header = {"alg": "RS256", "kid": self.number, "typ": "JWT"}
        signed = ".".join(_text(json.dumps(part).encode()) for part in (header, claims))
        return f"{signed}.{_text(self._key.sign(signed.encode()))}"


def _make(bits: int, primes: int) -> PrivateKey:
    while True:
        factors = [_prime(bits // primes) for _ in range(primes)]
        modulus, order = math.prod(factors), math.lcm(*(factor - 1 for factor in factors))
        if modulus.bit_length() == bits and len(set(factors)) == primes and math.gcd(order, EXPONENT) == 1:
            return PrivateKey(modulus, pow(EXPONENT, -1, order))


def _prime(bits: int) -> int:
    while True:
        # The four highest bits are set, so that the product of four has all its bits.
        candidate = secrets.randbits(bits) | 0b1111 << (bits - 4) | 1
        if all(candidate % small for small in SMALL) and _is_prime(candidate):
            return candidate


def _is_prime(number: int) -> bool:
    """Miller and Rabin's test; wrong once in 4 ** ROUNDS."""
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(ROUNDS):
        power = pow(secrets.randbelow(number - 3) + 2, odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(twos - 1):
            power = pow(power, 2, number)
            if power == number - 1:
                break
        else:
            return False
    return True


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
