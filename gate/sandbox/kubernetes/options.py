"""What the parameters of a request mean: selectors, versions, rehearsals, deletions, and the next page of a list."""

import base64
import binascii
import json

from gate.sandbox.kubernetes import tables
from gate.sandbox.kubernetes.decoding import parse
from gate.sandbox.kubernetes.errors import BadRequest, Cause, Gone, Invalid, invalid, not_supported
from gate.sandbox.kubernetes.objects import name_of, namespace_of
from gate.sandbox.kubernetes.resources import Resource
from gate.sandbox.kubernetes.routes import Request
from gate.sandbox.kubernetes.selectors import FieldSelector, LabelSelector
from gate.sandbox.kubernetes.store import Deletion, Entry


def selectors(request: Request, resource: Resource) -> tuple[LabelSelector | None, FieldSelector | None]:
    labels, fields = request.query.get("labelSelector"), request.query.get("fieldSelector")
    return (
        LabelSelector.parse(labels) if labels else None,
        FieldSelector.parse(fields, resource.fields) if fields else None,
    )


def dry_run(request: Request, given: object = None) -> bool:
    value = given or request.query.get("dryRun", "")
    if value and value not in ("All", ["All"]):
        raise invalid_options(not_supported("dryRun", value, ("All",)), "DeleteOptions" if given else "CreateOptions")
    return bool(value)


def deletion(request: Request) -> tuple[Deletion, bool]:
    """DeleteOptions, from the body or else from the URL, and whether it is a rehearsal."""
    body = parse(request.body, request.media_type) if request.body.strip() else {}
    grace = body.get("gracePeriodSeconds", request.number("gracePeriodSeconds"))
    policy = body.get("propagationPolicy") or request.query.get("propagationPolicy") or None
    if body.get("orphanDependents") is not None and policy is None:
        policy = "Orphan" if body["orphanDependents"] else "Background"
    if policy not in (None, "Background", "Foreground", "Orphan"):
        cause = not_supported("propagationPolicy", policy, ("Background", "Foreground", "Orphan", "nil"))
        raise invalid_options(cause, "DeleteOptions")
    preconditions = body.get("preconditions") or {}
    options = Deletion(
        grace=grace,
        uid=preconditions.get("uid"),
        revision=preconditions.get("resourceVersion"),
        policy=policy,
    )
    return options, dry_run(request, body.get("dryRun"))


def invalid_options(cause: Cause, kind: str = "ListOptions") -> Invalid:
    options = Resource(group="meta.k8s.io", kind=kind, plural=kind.lower())
    return Invalid.of(options, "", [cause])


def revision(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal():
        raise invalid_options(invalid("resourceVersion", text, f'strconv.ParseUint: parsing "{text}": invalid syntax'))
    return int(text)


def place(entry: Entry) -> tuple[str, str]:
    return namespace_of(entry.shared), name_of(entry.shared)


def continue_token(revision: int, last: Entry) -> str:
    """A continue token. Clients must not look inside; it has the real one's form all the same."""
    start = "/".join(place(last)) + "\0"
    return (
        base64.urlsafe_b64encode(tables.encode({"v": "meta.k8s.io/v1", "rv": revision, "start": start}))
        .decode()
        .rstrip("=")
    )


def read_continue_token(token: str) -> tuple[int, tuple[str, str]]:
    try:
        read = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        namespace, _, name = str(read["start"]).rstrip("\0").partition("/")
        return int(read["rv"]), (namespace, name)
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise BadRequest("continue key is not valid: unable to decode the token") from error


def expired_token(after: tuple[str, str]) -> Gone:
    start = "/".join(after) + "\0"
    inconsistent = base64.urlsafe_b64encode(tables.encode({"v": "meta.k8s.io/v1", "rv": -1, "start": start}))
    return Gone(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list "
        "without the continue parameter, or use the continue token in this response to retrieve the remainder of the "
        "results. Continuing with the provided token results in an inconsistent list - objects that were created, "
        "modified, or deleted between the time the first chunk was returned and now may show up in the list.",
        metadata={"continue": inconsistent.decode().rstrip("=")},
    )
