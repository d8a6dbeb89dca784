"""What a request wants in the words of roles, read from its line alone: whether there is such a resource is not asked.

The rules are those of the real server's RequestInfo, so that a right that is missing here is missing there.
"""

import re

from gate.sandbox.kubernetes.registry.routes import Address, Request
from gate.sandbox.kubernetes.rights.authorization import Attributes

_VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_NAMED = re.compile(r"metadata\.name==?(?P<name>(?!\.{1,2}$)[^/%]+)")


def attributes(request: Request) -> Attributes:
    """The verb and what it is about."""
    address = Address.of(request.path)
    if address is None:
        return Attributes(verb=request.method.lower(), path=request.path)
    parts, namespace = address.parts, address.namespace or ""
    name = parts[1] if len(parts) > 1 else ""
    if address.namespace is None and parts[0] == "namespaces":
        namespace = name  # to roles a namespace is in itself
    verb = _VERBS.get(request.method, "")
    if verb == "get" and not name:
        verb = "watch" if request.flag("watch") else "list"
        name = _only_name(request)
    elif verb == "delete" and not name:
        verb = "deletecollection"
    return Attributes(
        verb=verb,
        group=address.group,
        version=address.version,
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
