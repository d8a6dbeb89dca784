"""The resources that the gate knows, and where the API server has them."""

from collections.abc import Mapping

from gate.errors import Permanent

CHAOS_MESH_KINDS = (
    *("blockchaos", "dnschaos", "httpchaos", "iochaos", "jvmchaos"),
    *("kernelchaos", "networkchaos", "podchaos", "stresschaos", "timechaos"),
)
"""The resources of Chaos Mesh that hit pods."""

GROUPS: Mapping[str, str] = {
    "configmaps": "/api/v1",
    "events": "/api/v1",
    "namespaces": "/api/v1",
    "nodes": "/api/v1",
    "pods": "/api/v1",
    "secrets": "/api/v1",
    "services": "/api/v1",
    "deployments": "/apis/apps/v1",
    "statefulsets": "/apis/apps/v1",
    "daemonsets": "/apis/apps/v1",
    "rollouts": "/apis/argoproj.io/v1alpha1",
    "replicasets": "/apis/apps/v1",
    "controllerrevisions": "/apis/apps/v1",
    "horizontalpodautoscalers": "/apis/autoscaling/v2",
    "poddisruptionbudgets": "/apis/policy/v1",
    "jobs": "/apis/batch/v1",
    "networkpolicies": "/apis/networking.k8s.io/v1",
    "leases": "/apis/coordination.k8s.io/v1",
    "chaosgates": "/apis/chaosgate.dev/v1alpha1",
    "chaosruns": "/apis/chaosgate.dev/v1alpha1",
    "chaosengines": "/apis/litmuschaos.io/v1alpha1",
    **dict.fromkeys(CHAOS_MESH_KINDS, "/apis/chaos-mesh.org/v1alpha1"),
}
"""Plural name of a resource -> where its group is served."""


def path_of(resource: str, namespace: str = "", name: str = "", subresource: str = "") -> str:
    """Where a resource, or one object of it, is served. Raises `Permanent` for one that the gate does not know."""
    if resource not in GROUPS:
        raise Permanent(f'the gate does not know the resource "{resource}"; it knows {", ".join(GROUPS)}')
    within = f"/namespaces/{namespace}" if namespace and resource != "namespaces" else ""
    return "/".join(part for part in (f"{GROUPS[resource]}{within}/{resource}", name, subresource) if part)
