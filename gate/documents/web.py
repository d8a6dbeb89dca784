"""What probes and loads that speak HTTP or TLS let an author say: headers, and whom to trust."""

import re
import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from gate.documents.blocks import Block, Url

AGENT = "chaos-gate"
"""Who asks, for those who read logs."""
RUN = "X-Chaos-Gate-Run"
"""The header that tells the service, and whoever reads its logs, for which run it is asked."""


@lru_cache(64)
def trusting(authority: str) -> ssl.SSLContext:
    """Trusts the certificates of that authority (PEM) alone; of none, those that the system trusts.

    Raises `ssl.SSLError` or `ValueError` for what is no certificate.
    """
    return ssl.create_default_context(cadata=authority or None)


def _certificate(text: str) -> str:
    try:
        trusting(text)
    except (ssl.SSLError, ValueError) as error:
        raise ValueError("is no certificate; paste the authority's PEM, from -----BEGIN CERTIFICATE----- on") from error
    return text


class Tls(Block):
    """How the service proves who it is. There is no way to leave that out."""

    authority: Annotated[str, AfterValidator(_certificate)] = Field(
        default="", description="The certificate of the one authority to trust, as PEM; the system's if left out."
    )
    server_name: str = Field(default="", description="The name that the certificate must have; the host if left out.")

    def context(self) -> ssl.SSLContext:
        """Trusts whom the author trusts."""
        return trusting(self.authority)


class OverHttp(Block):
    """Whom to ask."""

    url: Url
    tls: Tls | None = Field(default=None, description="How the service proves who it is.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.tls is not None and not self.url.startswith("https:"):
            raise ValueError("tls is for addresses that begin with https://")
        return self


def _sendable(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~\w-]+", name, re.ASCII):
            raise ValueError(f'"{name}" cannot be the name of a header')
        if not re.fullmatch(r"[\t\x20-\x7e]*", value):
            raise ValueError(f'the header "{name}" has a letter that cannot be sent; headers are ASCII, on one line')
    return headers


def complete(headers: Mapping[str, str], usual: Mapping[str, str]) -> dict[str, str]:
    """The headers, and the usual ones that are not among them, however they are spelt."""
    given = {name.lower() for name in headers}
    return {name: value for name, value in usual.items() if name.lower() not in given} | dict(headers)


Headers = Annotated[dict[str, str], AfterValidator(_sendable)]
