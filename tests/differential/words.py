"""The words that scripts are written in: collections of objects, and what one asks of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.differential.player import MERGE, Ask

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"


@dataclass(frozen=True, slots=True)
class Collection:
    """The objects of one kind, in the namespace of the script or (`whole`) in the cluster."""

    api_version: str
    plural: str
    kind: str
    whole: bool = False

    def path(self, *below: str) -> str:
        root = "/apis/" if "/" in self.api_version else "/api/"
        place = "" if self.whole else "/namespaces/${ns}"
        return "/".join((f"{root}{self.api_version}{place}/{self.plural}", *below))

    def object(self, name: str, **fields: Any) -> dict[str, Any]:
        """An object of the kind; `metadata` in the fields is merged with the name."""
        metadata = {"name": name, **fields.pop("metadata", {})}
        return {"apiVersion": self.api_version, "kind": self.kind, "metadata": metadata, **fields}

    def create(self, obj: Any, *below: str, media: str = "application/json", **query: str) -> Ask:
        return Ask(method="POST", path=self.path(*below), body=obj, media=media, query=query)

    def get(self, *below: str, **query: str) -> Ask:
        """One object, or a subresource, or (without a name) all."""
        return Ask(method="GET", path=self.path(*below), query=query)

    def watch(self, since: str = "", **query: str) -> Ask:
        version = {"resourceVersion": since} if since else {}
        return Ask(method="GET", path=self.path(), query={"watch": "1", **version, **query})

    def put(self, obj: Any, *below: str, media: str = "application/json", **query: str) -> Ask:
        return Ask(method="PUT", path=self.path(*below), body=obj, media=media, query=query)

    def patch(self, body: Any, *below: str, media: str = MERGE, **query: str) -> Ask:
        return Ask(method="PATCH", path=self.path(*below), body=body, media=media, query=query)

    def delete(self, *below: str, options: Mapping[str, Any] | None = None, **query: str) -> Ask:
        """One object, or (without a name) all that the query selects."""
        body = None if options is None else {"kind": "DeleteOptions", "apiVersion": "v1", **options}
        return Ask(method="DELETE", path=self.path(*below), body=body, query=query)


CONFIG_MAPS = Collection("v1", "configmaps", "ConfigMap")
SECRETS = Collection("v1", "secrets", "Secret")
SERVICES = Collection("v1", "services", "Service")
ENDPOINTS = Collection("v1", "endpoints", "Endpoints")
JOBS = Collection("batch/v1", "jobs", "Job")
PODS = Collection("v1", "pods", "Pod")
SLICES = Collection("discovery.k8s.io/v1", "endpointslices", "EndpointSlice")
EVENTS = Collection("v1", "events", "Event")
SERVICE_ACCOUNTS = Collection("v1", "serviceaccounts", "ServiceAccount")
NAMESPACES = Collection("v1", "namespaces", "Namespace", whole=True)
NODES = Collection("v1", "nodes", "Node", whole=True)
LEASES = Collection("coordination.k8s.io/v1", "leases", "Lease")
DEPLOYMENTS = Collection("apps/v1", "deployments", "Deployment")
REPLICA_SETS = Collection("apps/v1", "replicasets", "ReplicaSet")
BUDGETS = Collection("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget")
RUNS = Collection("chaosgate.dev/v1alpha1", "chaosruns", "ChaosRun")
GATES = Collection("chaosgate.dev/v1alpha1", "chaosgates", "ChaosGate")
DEFINITIONS = Collection("apiextensions.k8s.io/v1", "customresourcedefinitions", "CustomResourceDefinition", whole=True)
ROLES = Collection("rbac.authorization.k8s.io/v1", "roles", "Role")
CLUSTER_ROLES = Collection("rbac.authorization.k8s.io/v1", "clusterroles", "ClusterRole", whole=True)
ROLE_BINDINGS = Collection("rbac.authorization.k8s.io/v1", "rolebindings", "RoleBinding")
CLUSTER_ROLE_BINDINGS = Collection(
    "rbac.authorization.k8s.io/v1", "clusterrolebindings", "ClusterRoleBinding", whole=True
)


def config_map(name: str = "a", /, **fields: Any) -> dict[str, Any]:
    return CONFIG_MAPS.object(name, **fields)


def deployment(name: str = "web", /, **spec: Any) -> dict[str, Any]:
    """One that stays as it is: paused, and without pods."""
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}
    still = {"paused": True, "replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": template}
    return DEPLOYMENTS.object(name, spec={**still, **spec})
