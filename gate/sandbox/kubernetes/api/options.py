"""What the parameters of a request mean: selectors, versions, rehearsals, deletions, and the next page of a list."""

import base64
import binascii
import json
from collections.abc import Iterator

from gate.sandbox.kubernetes.api import tables
from gate.sandbox.kubernetes.language.decoding import UndecodableError, decode, parse
from gate.sandbox.kubernetes.language.errors import (
    ApiError,
    BadRequest,
    Cause,
    Gone,
    Invalid,
    forbidden,
    invalid,
    not_supported,
)
from gate.sandbox.kubernetes.language.metadata import too_long
from gate.sandbox.kubernetes.language.objects import Object, name_of, namespace_of
from gate.sandbox.kubernetes.language.selectors import FieldSelector, LabelSelector
from gate.sandbox.kubernetes.registry.resource import Resource
from gate.sandbox.kubernetes.registry.routes import Request
from gate.sandbox.kubernetes.store.changes import Entry
from gate.sandbox.kubernetes.store.lifecycle import Deletion


def selectors(request: Request, resource: Resource) -> tuple[LabelSelector | None, FieldSelector | None]:
    labels, fields = request.query.get("labelSelector"), request.query.get("fieldSelector")
    return (
        LabelSelector.parse(labels) if labels else None,
        FieldSelector.parse(fields, resource.fields or (() if resource.custom else None)) if fields else None,
    )


def dry_run(request: Request, kind: str) -> bool:
    """Whether the request is a rehearsal; `kind` is that of its options, such as PatchOptions, which are checked."""
    asked = [request.query["dryRun"]] if request.query.get("dryRun") else []
    causes = [*_manager(request.query.get("fieldManager", "")), *_rehearsal(asked)]
    validation = request.query.get("fieldValidation", "")
    if validation not in ("", "Ignore", "Strict", "Warn"):
        causes.append(not_supported("fieldValidation", validation, ("", "Ignore", "Strict", "Warn")))
    if causes:
        raise invalid_options(*causes, kind=kind)
    return bool(asked)


MANAGER_LIMIT = 128
"""Bytes of the name of who writes."""


def _manager(name: str) -> Iterator[Cause]:
    if len(name.encode()) > MANAGER_LIMIT:
        yield too_long("fieldManager", MANAGER_LIMIT)
    for place, character in enumerate(name):
        if not character.isprintable():
            at = len(name[:place].encode())
            yield invalid("fieldManager", name, f"invalid character U+{ord(character):04X} (at position {at})")


def _rehearsal(values: list[str]) -> list[Cause]:
    return [not_supported("dryRun", values, ("All",))] if values and values != ["All"] else []


def deletion(request: Request) -> tuple[Deletion, bool]:
    """DeleteOptions, from the body, or only where there is none from the URL, and whether it is a rehearsal."""
    if request.body.strip():
        return deletion_of(_options_in(parse(request.body, request.media_type)))
    asked: Object = {key: request.query[key] for key in ("propagationPolicy",) if request.query.get(key)}
    if "orphanDependents" in request.query:
        asked["orphanDependents"] = request.flag("orphanDependents")
    if request.query.get("dryRun"):
        asked["dryRun"] = [request.query["dryRun"]]
    return deletion_of(asked | {"gracePeriodSeconds": request.number("gracePeriodSeconds")})


def _options_in(body: Object) -> Object:
    """What is none is answered with 500, as by the real server."""
    try:
        body = decode("DeleteOptions", "meta/v1", body).object
    except UndecodableError as error:
        raise ApiError(error.message, reason="") from error
    if body.get("kind", "DeleteOptions") != "DeleteOptions":
        raise ApiError(f"{body['kind']} cannot be handled as DeleteOptions", reason="")
    return body


def deletion_of(body: Object) -> tuple[Deletion, bool]:
    """The same, where the options have been decoded."""
    policy, orphan = body.get("propagationPolicy"), body.get("orphanDependents")
    if orphan is not None and policy is not None:
        cause = invalid("propagationPolicy", policy, "orphanDependents and deletionPropagation cannot be both set")
        raise invalid_options(cause, kind="DeleteOptions")
    if orphan is not None:
        policy = "Orphan" if orphan else "Background"
    if policy not in (None, "Background", "Foreground", "Orphan"):
        cause = not_supported("propagationPolicy", policy, ("Foreground", "Background", "Orphan", "nil"))
        raise invalid_options(cause, kind="DeleteOptions")
    preconditions = body.get("preconditions") or {}
    options = Deletion(
        grace=body.get("gracePeriodSeconds"),
        uid=preconditions.get("uid"),
        revision=preconditions.get("resourceVersion"),
        policy=policy,
    )
    rehearsed = body.get("dryRun") or []
    if causes := _rehearsal(rehearsed):
        raise invalid_options(*causes, kind="DeleteOptions")
    return options, bool(rehearsed)


def invalid_options(*causes: Cause, kind: str = "ListOptions") -> Invalid:
    options = Resource(group="meta.k8s.io", kind=kind, plural=kind.lower())
    return Invalid.of(options, "", causes)


def revision(text: str) -> int | None:
    """The resourceVersion of a request; BadRequest where it is no number."""
    if not text:
        return None
    if not text.isdecimal():
        raise BadRequest(f"invalid resource version: {_no_version(text)}")
    return int(text)


def check_version_of_one(request: Request) -> None:
    """A version that is none is answered with 500 except in a list, as by the real server."""
    text = request.query.get("resourceVersion", "")
    if text and not text.isdecimal():
        raise ApiError(str(_no_version(text)), reason="")


def _no_version(text: str) -> Cause:
    return invalid("resourceVersion", text, f'strconv.ParseUint: parsing "{text}": invalid syntax')


def check_match(request: Request) -> None:
    """Whether resourceVersionMatch and sendInitialEvents go with the rest of a list or watch; Invalid if not."""
    match, field = request.query.get("resourceVersionMatch", ""), "resourceVersionMatch"
    watching, initial = request.flag("watch"), "sendInitialEvents" in request.query
    allowed = ("NotOlderThan",) if watching else ("Exact", "NotOlderThan", "")
    if watching and initial and match != "NotOlderThan":
        raise invalid_options(forbidden(field, f"sendInitialEvents requires setting {field} to NotOlderThan"))
    if watching and match and not initial:
        raise invalid_options(forbidden(field, f"{field} is forbidden for watch unless sendInitialEvents is provided"))
    if initial and not watching:
        raise invalid_options(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    if not match:
        return
    if not watching and not request.query.get("resourceVersion"):
        raise invalid_options(forbidden(field, f"{field} is forbidden unless resourceVersion is provided"))
    if request.query.get("continue"):
        raise invalid_options(forbidden(field, f"{field} is forbidden when continue is provided"))
    if match not in allowed:
        raise invalid_options(not_supported(field, match, allowed))
    if match == "Exact" and request.query["resourceVersion"] == "0":
        raise invalid_options(forbidden(field, f'{field} "exact" is forbidden for resourceVersion "0"'))


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
        raise BadRequest("invalid continue token: continue key is not valid: it cannot be decoded") from error


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
