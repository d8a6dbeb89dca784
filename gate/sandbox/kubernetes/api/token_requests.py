"""What `kubectl create token` asks for: a token of a service account, for some audiences and some time."""

from collections.abc import Callable
from datetime import datetime, timedelta

from gate.sandbox.kubernetes.access.tokens import BOUND, ISSUER, Tokens
from gate.sandbox.kubernetes.api import bodies, options
from gate.sandbox.kubernetes.language.decoding import Decoded
from gate.sandbox.kubernetes.language.errors import BadRequest, Cause, Conflict, Invalid, invalid
from gate.sandbox.kubernetes.language.objects import Object, lookup, name_of, namespace_of, timestamp, uid_of
from gate.sandbox.kubernetes.registry.resource import Resource
from gate.sandbox.kubernetes.registry.routes import Request, Target
from gate.sandbox.kubernetes.store.store import Store

TOKEN_REQUESTS = Resource(group="authentication.k8s.io", kind="TokenRequest", plural="tokenrequests")
"""Not served under its own name: it is what `serviceaccounts/token` reads and answers."""

HOUR = 3600
SHORTEST = 600
LONGEST = 2**32


def answer(
    request: Request, about: Target, store: Store, tokens: Tokens, wall: Callable[[], datetime]
) -> tuple[Object, Decoded]:
    """Read the request and grant the token; the request with it, and what there is to say of the body."""
    asked = bodies.read(request, TOKEN_REQUESTS)
    options.dry_run(request, "CreateOptions")
    account = store.entry(about.resource, about.namespace, about.name).shared
    return granted(account, asked.object, store, tokens, wall), asked


def granted(account: Object, asked: Object, store: Store, tokens: Tokens, wall: Callable[[], datetime]) -> Object:
    """The request with its token. Invalid, BadRequest, NotFound or Conflict if there cannot be one."""
    spec = asked.get("spec") or {}
    seconds = spec.get("expirationSeconds", HOUR)
    _check(account, asked, seconds)
    audiences = spec.get("audiences") or [ISSUER]
    reference = spec.get("boundObjectRef")
    bound = _bound(reference, account, store) if reference else None
    token, expires = tokens.for_account(account, audiences=audiences, lifetime=timedelta(seconds=seconds), bound=bound)
    return {
        "kind": TOKEN_REQUESTS.kind,
        "apiVersion": TOKEN_REQUESTS.api_version,
        "metadata": {
            "name": name_of(account),
            "namespace": namespace_of(account),
            "uid": uid_of(account),
            "creationTimestamp": timestamp(wall()),
        },
        "spec": {"audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": reference},
        "status": {"token": token, "expirationTimestamp": timestamp(expires)},
    }


def _check(account: Object, asked: Object, seconds: int) -> None:
    name = lookup(asked, "metadata.name", "")
    if name and name != name_of(account):
        cause = invalid("metadata.name", name, "must match the service account name if specified")
        raise Invalid.of(TOKEN_REQUESTS, name_of(account), [cause])
    causes: list[Cause] = []
    if seconds < SHORTEST:
        detail = "may not specify a duration less than 10 minutes"
        causes.append(invalid("spec.expirationSeconds", seconds, detail))
    if seconds > LONGEST:
        detail = "may not specify a duration larger than 2^32 seconds"
        causes.append(invalid("spec.expirationSeconds", seconds, detail))
    if causes:
        raise Invalid.of(TOKEN_REQUESTS, "", causes)


def _bound(reference: Object, account: Object, store: Store) -> Object:
    """The object that the token shall end with."""
    kind, version = reference.get("kind", ""), reference.get("apiVersion", "")
    resource = BOUND.get(kind)
    if resource is None or version not in ("", "v1"):
        raise BadRequest(f"cannot bind token to object of type /{version}, Kind={kind}")
    obj = store.get(resource, namespace_of(account), reference.get("name", ""))
    if kind == "Pod" and lookup(obj, "spec.serviceAccountName", "default") != name_of(account):
        raise BadRequest(
            f'cannot bind token for serviceaccount "{name_of(account)}" to pod running with different serviceaccount '
            "name."
        )
    uid = reference.get("uid")
    if uid and uid != uid_of(obj):
        because = (
            f"the UID in the bound object reference ({uid}) does not match the UID in record. "
            "The object might have been deleted and then recreated"
        )
        raise Conflict.of(resource, name_of(obj), because, called=kind)
    return obj
