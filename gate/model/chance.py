"""What has to be the same each time it is asked for: draws, identities and fingerprints."""

import hashlib


def draw(seed: str, what: str, who: str) -> float:
    """A number in [0, 1) that depends on nothing but its arguments, so that every random choice can be replayed."""
    digest = hashlib.blake2b(f"{what}\0{who}".encode(), key=seed.encode()[:64], digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def identity(*parts: str) -> str:
    """Forty hex digits that stand for the parts, where it matters that nothing else is taken for them.

    Of n bits two that meet are found after 2^(n/2) tries by whoever may choose the parts, as those do who build images:
    the ten digits of a `fingerprint` take seconds, these 160 bits 2^80 tries. A label of Kubernetes has room for them.
    """
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


def fingerprint(*parts: str) -> str:
    """Ten hex digits that stand for the parts: for names, which have no room for more, and which are taken by chance
    once in a million millions. By intent it is easy: what has to be the same is compared by its `identity`.
    """
    return identity(*parts)[:10]
