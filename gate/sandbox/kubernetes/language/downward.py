"""What a pod may learn of itself, as variables or as files (the downward API); pure."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from gate.sandbox.kubernetes.language.objects import Object, lookup, name_of, namespace_of, uid_of

_QUANTITY = re.compile(r"([0-9.]+)([eE][-+]?[0-9]+|[a-zA-Z]*)")
_UNITS = {
    **{f"{letter}i": Fraction(1024) ** power for power, letter in enumerate("KMGTPE", start=1)},
    **{letter: Fraction(1000) ** power for power, letter in enumerate("kMGTPE", start=1)},
    "": Fraction(1),
    "m": Fraction(1, 1000),
    "u": Fraction(1, 10**6),
    "n": Fraction(1, 10**9),
}


class Unresolved(LookupError):
    """Something refers to what does not exist, or to what the sandbox does not know; the container has to wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a pod is, and what is there."""

    address: str
    node_address: str = ""
    allocatable: Mapping[str, str]
    """Quantities that the node has to give; what a container without a limit may use."""


def field(pod: Object, path: str, site: Site) -> str:
    """The value of a `fieldRef`.

    Raises:
        Unresolved: the sandbox does not know the field.
    """
    match = re.fullmatch(r"metadata\.(labels|annotations)\['([^']+)'\]", path)
    if match:
        return str(lookup(pod, f"metadata.{match[1]}", {}).get(match[2], ""))
    known: dict[str, Callable[[], str]] = {
        "metadata.name": lambda: name_of(pod),
        "metadata.namespace": lambda: namespace_of(pod),
        "metadata.uid": lambda: uid_of(pod),
        "metadata.labels": lambda: _listed(lookup(pod, "metadata.labels", {})),
        "metadata.annotations": lambda: _listed(lookup(pod, "metadata.annotations", {})),
        "spec.nodeName": lambda: str(lookup(pod, "spec.nodeName", "")),
        "spec.serviceAccountName": lambda: str(lookup(pod, "spec.serviceAccountName", "default")),
        "status.podIP": lambda: site.address,
        "status.podIPs": lambda: site.address,
        "status.hostIP": lambda: site.node_address,
        "status.hostIPs": lambda: site.node_address,
    }
    if path not in known:
        raise Unresolved(f"the sandbox does not know the field {path}")
    return known[path]()


def resource(container: Object, reference: Object, site: Site) -> str:
    """The value of a `resourceFieldRef`: so many times the divisor, rounded up.

    Raises:
        Unresolved: the sandbox does not know the resource.
    """
    side, _, name = str(reference["resource"]).partition(".")
    limit = lookup(container, f"resources.limits.{name}")
    asked = lookup(container, f"resources.requests.{name}", limit)
    if side not in ("limits", "requests") or name not in ("cpu", "memory"):
        raise Unresolved(f"the sandbox does not know the resource {reference['resource']}")
    amount = asked or "0" if side == "requests" else limit or site.allocatable[name]
    divisor = quantity(str(reference.get("divisor") or "1")) or Fraction(1)
    return str(math.ceil(quantity(str(amount)) / divisor))


def quantity(text: str) -> Fraction:
    """`500m`, `1Gi`, `2e3` as a number.

    Raises:
        Unresolved: it is not a quantity.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None or (match[2] not in _UNITS and not match[2][1:].lstrip("+-").isdigit()):
        raise Unresolved(f'"{text}" is not a quantity; write it like 500m or 64Mi')
    if match[2] in _UNITS:
        return Fraction(match[1]) * _UNITS[match[2]]
    return Fraction(match[1] + match[2])


def _listed(mapping: Mapping[str, str]) -> str:
    """All labels or annotations, in the form of a downward API file."""
    quoted = {key: value.replace("\\", "\\\\").replace('"', '\\"') for key, value in mapping.items()}
    return "\n".join(f'{key}="{quoted[key]}"' for key in sorted(quoted))
