"""Signatures: Standard Webhooks for a hook with a signing token, and the HMAC of external status checks. Pure."""

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"
KEY_LENGTH = 32


class BadToken(ValueError):
    """No signing token."""


def key_of(signing_token: str) -> bytes:
    """The key in a signing token. Raises `BadToken`."""
    try:
        key = base64.b64decode(signing_token.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise BadToken("must be whsec_ followed by Base64") from error
    if not signing_token.startswith(PREFIX) or len(key) != KEY_LENGTH:
        raise BadToken(f"must be whsec_ followed by {KEY_LENGTH} bytes in Base64")
    return key


def standard(signing_token: str, *, number: str, timestamp: str, body: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks; `number` is the one of the event, not of the attempt."""
    signed = f"{number}.{timestamp}.".encode() + body
    digest = hmac.new(key_of(signing_token), signed, hashlib.sha256).digest()
    return {
        "webhook-id": number,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def status_check(secret: str, body: bytes) -> dict[str, str]:
    """The header of an external status check; none without a secret."""
    if not secret:
        return {}
    return {"X-GitLab-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}
