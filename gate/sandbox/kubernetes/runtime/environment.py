"""What a container finds in its environment and on its command line; pure."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from gate.sandbox.kubernetes.language import downward
from gate.sandbox.kubernetes.language.downward import Site, Unresolved
from gate.sandbox.kubernetes.language.objects import Object, lookup, name_of, namespace_of

Lookup = Callable[[str, str], Mapping[str, str] | None]
"""The entries of a ConfigMap or Secret of the pod's namespace, by kind and name; None if there is none."""

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment(
    pod: Object,
    container: Object,
    site: Site,
    services: Iterable[Object],
    find: Lookup,
    *,
    brought: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """All variables of a container: a small clean base, what its image has `brought`, the Services of its namespace,
    and what the pod says.

    `HOST` and `POD_IP` are the sandbox's own: pods share one network stack, so each must listen on its own address.

    Raises:
        Unresolved: a ConfigMap, Secret, key or field that a variable refers to does not exist.
    """
    base = {"PATH": _PATH, "LANG": "C.UTF-8", "HOSTNAME": host_name(pod)}
    of_image = {name: expanded(value, {"POD_IP": site.address}) for name, value in brought.items()}
    return base | of_image | variables(pod, container, site, services, find)


def variables(pod: Object, container: Object, site: Site, services: Iterable[Object], find: Lookup) -> dict[str, str]:
    """The variables that `$(NAME)` may refer to: those that the pod says, but not what the image brings along.

    Raises:
        Unresolved: as `environment`.
    """
    found = {"HOST": site.address, "POD_IP": site.address}
    if lookup(pod, "spec.enableServiceLinks", True):
        for service in services:
            found |= service_links(service)
    for source in container.get("envFrom") or ():
        found |= _all_of(source, find)
    for variable in container.get("env") or ():
        value = _value(pod, container, variable, site, find)
        if value is not None:
            found[variable["name"]] = value if variable.get("valueFrom") else expanded(value, found)
    return found


def host_name(pod: Object) -> str:
    """What `hostname` says in the pod."""
    return str(lookup(pod, "spec.hostname") or name_of(pod))[:63]


def service_links(service: Object) -> dict[str, str]:
    """The variables that Kubernetes injects for a Service with an address."""
    address, ports = lookup(service, "spec.clusterIP", ""), lookup(service, "spec.ports", [])
    if not ports or address in ("", "None"):
        return {}
    prefix = name_of(service).upper().replace("-", "_")
    links = {f"{prefix}_SERVICE_HOST": address, f"{prefix}_SERVICE_PORT": str(ports[0]["port"])}
    links[f"{prefix}_PORT"] = f"{ports[0]['protocol'].lower()}://{address}:{ports[0]['port']}"
    for port in ports:
        number, protocol = str(port["port"]), port["protocol"]
        if port.get("name"):
            links[f"{prefix}_SERVICE_PORT_{port['name'].upper().replace('-', '_')}"] = number
        one = f"{prefix}_PORT_{number}_{protocol}"
        links |= {
            one: f"{protocol.lower()}://{address}:{number}",
            f"{one}_PROTO": protocol.lower(),
            f"{one}_PORT": number,
            f"{one}_ADDR": address,
        }
    return links


def command(container: Object, entry_point: Sequence[str], variables: Mapping[str, str]) -> list[str]:
    """The command line: `command` replaces the image's, `args` follow it."""
    words = [*(container.get("command") or entry_point), *(container.get("args") or ())]
    return [expanded(word, variables) for word in words]


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """`$(NAME)` replaced where NAME is known, `$$(NAME)` kept as `$(NAME)`."""

    def replace(match: re.Match[str]) -> str:
        if match[0].startswith("$$"):
            return match[0][1:]
        return variables.get(match[1], match[0])

    return re.sub(r"\$?\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)", replace, text)


def _value(pod: Object, container: Object, variable: Object, site: Site, find: Lookup) -> str | None:
    source = variable.get("valueFrom")
    if not source:
        return str(variable.get("value") or "")
    if "fieldRef" in source:
        return downward.field(pod, source["fieldRef"]["fieldPath"], site)
    if "resourceFieldRef" in source:
        return downward.resource(container, source["resourceFieldRef"], site)
    for form, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
        if form in source:
            return _entry(source[form], kind, namespace_of(pod), find)
    raise Unresolved(f"variable {variable['name']}: the sandbox does not know the source {', '.join(source)}")


def _entry(reference: Object, kind: str, namespace: str, find: Lookup) -> str | None:
    entries = find(kind.lower(), reference["name"])
    if entries is not None and reference["key"] in entries:
        return entries[reference["key"]]
    if reference.get("optional"):
        return None
    if entries is None:
        raise Unresolved(f'{kind.lower()} "{reference["name"]}" not found')
    raise Unresolved(f"couldn't find key {reference['key']} in {kind} {namespace}/{reference['name']}")


def _all_of(source: Object, find: Lookup) -> dict[str, str]:
    prefix = source.get("prefix", "")
    for form, kind in (("configMapRef", "configmap"), ("secretRef", "secret")):
        if form in source:
            entries = find(kind, source[form]["name"])
            if entries is None and not source[form].get("optional"):
                raise Unresolved(f'{kind} "{source[form]["name"]}" not found')
            return {prefix + key: value for key, value in (entries or {}).items()}
    return {}
