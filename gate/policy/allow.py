"""May this fault hit this namespace? The safe default, for where no administrator has said anything else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from gate.model import Target

OPT_IN = "chaosgate.dev/chaos"
OPTED_IN = "allowed"
NODE = "Node"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How far chaos may go."""

    protected: frozenset[str] = frozenset({"kube-system", "kube-public", "kube-node-lease"})
    """Namespaces that are never touched, whatever their labels say."""
    nodes: tuple[str, ...] = ()
    """Nodes that faults may hit, by name; `*` stands for anything. They belong to everybody: none, unless said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyAnswer:
    """Yes or no, and every rule that spoke."""

    allowed: bool
    reasons: tuple[str, ...]


def allowed(
    policy: Policy, fault: str, namespace: str, labels: Mapping[str, str], targets: Sequence[Target]
) -> PolicyAnswer:
    """`labels` are those of the namespace. Targets outside of it are never allowed, apart from nodes that the policy
    names.
    """
    against = []
    if namespace in policy.protected:
        against.append(f"the namespace {namespace} is protected, whatever its labels say; choose a workload elsewhere")
    if labels.get(OPT_IN) != OPTED_IN:
        against.append(
            f"the namespace {namespace} has not opted in to {fault}; label it: "
            f"kubectl label namespace {namespace} {OPT_IN}={OPTED_IN}"
        )
    against += [
        f"{target.kind} {target.namespace}/{target.name} is not in the namespace {namespace}"
        for target in targets
        if target.namespace != namespace and target.kind != NODE
    ]
    against += [
        f"{fault} may not hit the node {target.name}, which belongs to everybody: "
        f"an administrator may allow it by CHAOS_GATE_NODES"
        for target in targets
        if target.kind == NODE and not any(fnmatchcase(target.name, pattern) for pattern in policy.nodes)
    ]
    if against:
        return PolicyAnswer(allowed=False, reasons=tuple(against))
    return PolicyAnswer(allowed=True, reasons=(f"the namespace {namespace} has opted in",))
