"""The bodies of requests as objects of the kind that is asked for, and what their writers are told about them."""

from dataclasses import replace

from gate.sandbox.kubernetes.language.decoding import Decoded, Oddity, UndecodableError, decode, parse
from gate.sandbox.kubernetes.language.errors import BadRequest, Invalid, invalid
from gate.sandbox.kubernetes.language.objects import Object, name_of
from gate.sandbox.kubernetes.registry.resource import Resource
from gate.sandbox.kubernetes.registry.resources import BUILT_IN
from gate.sandbox.kubernetes.registry.routes import Request


def read(request: Request, resource: Resource) -> Decoded:
    """The object in the body; BadRequest, UnsupportedMediaType, or Invalid for another kind than a custom one."""
    return decoded(request, resource, parse(request.body, request.media_type))


def decoded(request: Request, resource: Resource, obj: Object, *oddities: Oddity) -> Decoded:
    """What was read before as an object of the kind; the oddities are what is known of it already.

    BadRequest for another kind, and for oddities where the request wants none.
    """
    if resource.custom and "kind" not in obj:
        raise BadRequest("Object 'Kind' is missing in the body of the request")
    for field, own in (("kind", resource.kind), ("apiVersion", resource.api_version)):
        obj[field] = obj.get(field) or own
    kind, version = obj["kind"], obj["apiVersion"]
    if not resource.custom and (kind, version) != (resource.kind, resource.api_version):
        raise _of_another_kind(resource, str(kind), str(version))
    if version != resource.api_version:
        raise BadRequest(
            f"the API version in the data ({version}) does not match the expected API version ({resource.api_version})"
        )
    if kind != resource.kind:
        raise Invalid.of(resource, name_of(obj), [invalid("kind", kind, f"must be {resource.kind}")], called=str(kind))
    found = resource.decode(obj) if resource.decode else decode(resource.kind, resource.api_version, obj)
    found = replace(found, oddities=(*oddities, *found.oddities))
    if found.oddities and request.query.get("fieldValidation") == "Strict":
        listed = ", ".join(map(str, found.oddities))
        raise UndecodableError(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}',
            f"strict decoding error: {listed}",
        )
    return found


def _of_another_kind(resource: Resource, kind: str, version: str) -> UndecodableError:
    """In the words of a server that knows the other kind, or that does not."""
    detail = f'no kind "{kind}" is registered for version "{version}" in scheme "pkg/runtime/scheme.go:110"'
    if any((row.kind, row.api_version) == (kind, version) for row in BUILT_IN):
        inside = (resource.group or "core").partition(".")[0]
        detail = f"converting (v1.{kind}) to ({inside}.{resource.kind}): unknown conversion"
    short = version.rpartition("/")[2]
    return UndecodableError(f'{kind} in version "{short}" cannot be handled as a {resource.kind}', detail)


def told(request: Request, decoded: Decoded) -> tuple[str, ...]:
    """The warnings about odd fields, for who wants to be warned."""
    return () if request.query.get("fieldValidation") == "Ignore" else tuple(map(str, decoded.oddities))
