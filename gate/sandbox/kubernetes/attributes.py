"""What a request wants in the words of roles, read from its line alone: whether there is such a resource is not asked.

The rules are those of the real server's RequestInfo, so that a right that is missing here is missing there.
"""

import re
from urllib.parse import unquote

from gate.sandbox.kubernetes.authorization import Attributes
from gate.sandbox.kubernetes.routes import Request

_VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_OF_NAMESPACES = ("status", "finalize")
"""Subresources of a namespace; anything else behind its name is a resource in it."""
_NAMED = re.compile(r"metadata\.name==?(?P<name>(?!\.{1,2}$)[^/%]+)")


def attributes(request: Request) -> Attributes:
    """The verb and what it is about."""
    match [unquote(part) for part in request.path.strip("/").split("/")]:
        case ["api", version, first, *rest]:
            return _of_resource(request, "", version, [first, *rest])
        case ["apis", group, version, first, *rest]:
            return _of_resource(request, group, version, [first, *rest])
    return Attributes(verb=request.method.lower(), path=request.path)


def _of_resource(request: Request, group: str, version: str, parts: list[str]) -> Attributes:
    namespace = ""
    if parts[0] == "namespaces" and len(parts) > 1:
        namespace = parts[1]
        if len(parts) > 2 and parts[2] not in _OF_NAMESPACES:
            parts = parts[2:]
    name = parts[1] if len(parts) > 1 else ""
    verb = _VERBS.get(request.method, "")
    if verb == "get" and not name:
        verb = "watch" if request.flag("watch") else "list"
        name = _only_name(request)
    elif verb == "delete" and not name:
        verb = "deletecollection"
    return Attributes(
        verb=verb,
        group=group,
        version=version,
        resource=parts[0],
        subresource=parts[2] if len(parts) > 2 else "",
        namespace=namespace,
        name=name,
    )


def _only_name(request: Request) -> str:
    """The name that a list or watch is limited to, so that a rule with resourceNames can allow it."""
    conditions = request.query.get("fieldSelector", "").split(",")
    names = (found["name"] for each in conditions if (found := _NAMED.fullmatch(each)))
    return next(names, "")
