"""What probes and loads that speak HTTP or TLS let an author say: headers, and whom to trust."""

import base64
import re
import ssl
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from gate.documents.blocks import Block, Url
from gate.errors import Permanent

AGENT = "chaos-gate"
"""Who asks, for those who read logs."""
RUN = "X-Chaos-Gate-Run"
"""The header that tells the service, and whoever reads its logs, for which run it is asked."""


@lru_cache(64)
def trusting(authority: str, *protocols: str) -> ssl.SSLContext:
    """Trusts the certificates of that authority (PEM) alone; of none, those that the system trusts.

    `protocols` are offered to be spoken. Raises `ssl.SSLError` or `ValueError` for what is no certificate.
    """
    context = ssl.create_default_context(cadata=authority or None)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def _certificate(text: str) -> str:
    try:
        trusting(text)
    except (ssl.SSLError, ValueError) as error:
        raise ValueError("is no certificate; paste the authority's PEM, from -----BEGIN CERTIFICATE----- on") from error
    return text


class Tls(Block):
    """How the service proves who it is. There is no way to leave that out."""

    authority: Annotated[str, AfterValidator(_certificate)] = Field(
        default="",
        description="The certificate of the one authority to trust, as PEM; the system's if left out.",
        examples=["-----BEGIN CERTIFICATE-----\nMIIB...\n-----END CERTIFICATE-----\n"],
    )
    server_name: str = Field(
        default="",
        description="The name that the certificate must have; the host if left out.",
        examples=["checkout.shop"],
    )

    def context(self, *protocols: str) -> ssl.SSLContext:
        """Trusts whom the author trusts, and offers to speak these protocols."""
        return trusting(self.authority, *protocols)


def _sendable(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~\w-]+", name, re.ASCII):
            raise ValueError(f'"{name}" cannot be the name of a header')
        if not re.fullmatch(r"[\t\x20-\x7e]*", value):
            raise ValueError(f'the header "{name}" has a letter that cannot be sent; headers are ASCII, on one line')
    return headers


Headers = Annotated[dict[str, str], AfterValidator(_sendable)]


class Scheme(StrEnum):
    """How a secret is shown to a service."""

    BEARER = "bearer"
    """As a token."""
    BASIC = "basic"
    """As `user:password`."""


class Credentials(Block):
    """A secret that the operators keep for the namespace of the judged workload; no document has it."""

    name: str = Field(
        pattern=r"^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$", description="What they call it.", examples=["shop-token"]
    )
    scheme: Scheme = Field(default=Scheme.BEARER, description="How it is sent: bearer or basic.")

    def authorization(self, secret: str) -> str:
        """The header's value. Raises `Permanent` for a secret that cannot be sent."""
        if not re.fullmatch(r"[\x20-\x7e]+", secret):
            raise Permanent(f'the credentials "{self.name}" cannot be sent: they must be ASCII, on one line')
        if self.scheme is Scheme.BASIC:
            return f"Basic {base64.b64encode(secret.encode()).decode()}"
        return f"Bearer {secret}"


class OverHttp(Block):
    """Whom to ask."""

    url: Url
    headers: Headers = Field(
        default={}, description="Headers of the request.", examples=[{"Accept": "application/json"}]
    )
    credentials: Credentials | None = Field(default=None, description="A secret that is sent with it.")
    tls: Tls | None = Field(default=None, description="How the service proves who it is.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.tls is not None and not self.url.startswith("https:"):
            raise ValueError("tls is for addresses that begin with https://")
        if self.credentials is not None and "authorization" in {name.lower() for name in self.headers}:
            raise ValueError("credentials are sent as the header Authorization; leave it out of headers")
        return self

    def authorization(self, secret: Callable[[str], str]) -> dict[str, str]:
        """The header that shows the secret, if there is one to show; `secret` finds it. Raises `GateError`."""
        if self.credentials is None:
            return {}
        return {"Authorization": self.credentials.authorization(secret(self.credentials.name))}


def complete(headers: Mapping[str, str], usual: Mapping[str, str]) -> dict[str, str]:
    """The headers, and the usual ones that are not among them, however they are spelt."""
    given = {name.lower() for name in headers}
    return {name: value for name, value in usual.items() if name.lower() not in given} | dict(headers)
