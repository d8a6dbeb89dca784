"""Webhooks in: whether one is from GitLab, and what it is about. Pure.

Nothing that a webhook says is believed. It is a hint that a look is worth while now; what is seen then counts. So one
that is lost, late, repeated or made up by somebody who knows a secret costs, or brings, one look.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from gate.errors import Denied

OLDEST = timedelta(minutes=5)
"""How far a signed webhook may be off, before or after."""
LONGEST = 1024
"""Characters of a project's path with its groups; what is longer is no project's."""
SIGNING = "whsec_"
"""How a signing token begins; the key follows in Base64. Any other secret is a token, or that of a status check."""


class About(StrEnum):
    """What a webhook is about."""

    PUSH = "push"
    DEPLOYMENT = "deployment"
    PIPELINE = "pipeline"
    STATUS_CHECK = "status_check"
    OTHER = "other"
    """Nothing that the gate looks at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """What is worth a look."""

    about: About
    project: str = ""
    """Its path with its groups."""
    ref: str = ""
    """That was pushed to."""
    number: str = ""
    """The same however often it is sent; empty where GitLab gives none."""


def insist_on_headers(headers: Mapping[str, str], secrets: Sequence[str]) -> None:
    """Raises `Denied` where the headers alone tell that it is refused, whatever the body is: it need not be read."""
    if not secrets:
        raise Denied("no secret for webhooks is there; write one into the file")
    if "webhook-signature" in headers or headers.get("x-gitlab-signature"):
        return
    if token := headers.get("x-gitlab-token"):
        _insist_on_one(_tokens(secrets), [token], "its X-Gitlab-Token is not the secret")
    else:
        raise Denied("the webhook has neither a token nor a signature; give the hook the secret of the gate")


def insist(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], *, now: datetime) -> None:
    """Raises `Denied` unless GitLab, with one of these secrets, has sent it. Header names are in lower case.

    A signature that is there has to be right, whatever else is. All secrets are compared, each in constant time.
    """
    insist_on_headers(headers, secrets)
    if "webhook-signature" in headers:
        _insist_on_standard(headers, body, secrets, now)
    elif signature := headers.get("x-gitlab-signature"):
        expected = [hmac.new(each.encode(), body, hashlib.sha256).hexdigest() for each in _tokens(secrets)]
        _insist_on_one(expected, [signature], "its X-GitLab-Signature is not that of the shared secret")


def _insist_on_standard(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> None:
    """As Standard Webhooks says it, https://www.standardwebhooks.com."""
    number, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    signed = f"{number}.{sent}.".encode() + body
    expected = [
        "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in _keys(secrets)
    ]
    _insist_on_one(
        expected, headers["webhook-signature"].split()[:10], "the signature is not that of the signing token"
    )
    if not sent.isdecimal() or abs(int(sent[:12]) - now.timestamp()) > OLDEST.total_seconds():
        raise Denied("the webhook was signed more than five minutes from now; compare the clocks, or send it again")


def _insist_on_one(expected: Sequence[str], given: Sequence[str], complaint: str) -> None:
    same = [hmac.compare_digest(one.encode(), other.encode()) for one in expected for other in given]
    if not any(same):
        raise Denied(f"the webhook is refused: {complaint}")


def _tokens(secrets: Sequence[str]) -> list[str]:
    return [each for each in secrets if not each.startswith(SIGNING)]


def _keys(secrets: Sequence[str]) -> list[bytes]:
    keys = []
    for each in secrets:
        if each.startswith(SIGNING):
            try:
                keys.append(base64.b64decode(each.removeprefix(SIGNING), validate=True))
            except binascii.Error:
                raise Denied("a signing token in the gate's file is not whsec_ followed by Base64") from None
    return [key for key in keys if key]


def read(headers: Mapping[str, str], body: bytes) -> Webhook:
    """What it is about. Templates may replace the whole body: what cannot be read is about nothing."""
    number = headers.get("webhook-id") or headers.get("idempotency-key", "")
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return Webhook(about=About.OTHER, number=number)
    if not isinstance(said, dict):
        return Webhook(about=About.OTHER, number=number)
    ref = said.get("ref")
    return Webhook(
        about=_about(said),
        project=_project(said),
        ref=ref if isinstance(ref, str) else "",
        number=number,
    )


def _about(said: Mapping[str, Any]) -> About:
    match said.get("object_kind"):
        case "push" | "tag_push":
            return About.PUSH
        case "deployment":
            return About.DEPLOYMENT
        case "pipeline":
            return About.PIPELINE
        case "merge_request" if "external_approval_rule" in said:
            return About.STATUS_CHECK
    return About.OTHER


def _project(said: Mapping[str, Any]) -> str:
    project = said.get("project")
    path = project.get("path_with_namespace") if isinstance(project, dict) else None
    return path if isinstance(path, str) and len(path) <= LONGEST else ""


def is_repository(address: str, project: str) -> bool:
    """Whether git reaches that project at the address: `https://host/group/project.git`, `git@host:group/project`."""
    path = address.partition("?")[0].rstrip("/").removesuffix(".git").replace(":", "/").lower()
    return bool(project) and path.endswith(f"/{project.lower()}")
