"""The table of what is served: one row for each kind, and the registry that finds rows and takes in custom ones."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from threading import Lock
from typing import TypeAlias

from gate.sandbox.kubernetes.language.decoding import Decoded
from gate.sandbox.kubernetes.language.errors import Cause
from gate.sandbox.kubernetes.language.objects import Object
from gate.sandbox.kubernetes.registry.columns import COLUMNS, Column
from gate.sandbox.kubernetes.rights.authorization import GROUP
from gate.sandbox.kubernetes.rules import (
    defaults,
    granting,
    job_status_validation,
    jobs,
    service_validation,
    status_validation,
    statuses,
    validation,
)
from gate.sandbox.kubernetes.rules.statuses import StatusForm
from gate.sandbox.kubernetes.schemas import schema_validation

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")

Default: TypeAlias = Callable[[Object], None]
"""Fills in, in place, what the writer left out."""

Validate: TypeAlias = Callable[[Object, Object | None], list[Cause]]
"""What is wrong with a new object, given the stored one (None when it is being created)."""


Decode: TypeAlias = Callable[[Object], Decoded]


class Grace(StrEnum):
    """How an object goes when it is deleted."""

    NONE = "at once, or when its finalizers are gone"
    POD = "terminating until its node confirms"
    NAMESPACE = "terminating until it is empty"


class Bump(StrEnum):
    """Which changes raise metadata.generation."""

    NEVER = "never"
    SPEC = "everything but metadata and status"
    SPEC_AND_ANNOTATIONS = "the same, and annotations"
    ALL_BUT_METADATA = "status too"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Where a kind keeps what its scale subresource shows (dotted paths)."""

    replicas: str = "spec.replicas"
    observed: str = "status.replicas"
    selector: str = "spec.selector"
    """A metav1.LabelSelector, or its text in a custom resource."""


def _nothing(_obj: Object) -> None:
    """No defaults."""


def _accept(_new: Object, _old: Object | None) -> list[Cause]:
    return []


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Resource:
    """One kind as it is served. Two rows are the same only if they are the same object."""

    group: str = ""
    version: str = "v1"
    kind: str
    plural: str
    singular: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    namespaced: bool = True
    status: bool = False
    """Has a status subresource: the main endpoint ignores status, and the status endpoint everything else."""
    scale: Scale | None = None
    verbs: tuple[str, ...] = VERBS
    generation: Bump = Bump.NEVER
    grace: Grace = Grace.NONE
    returns_deleted: bool = False
    """DELETE answers with the object, not with a Status."""
    deletion: str | None = None
    """The policy of a DELETE that names none, where it is not Background."""
    create_on_update: bool = False
    """PUT of a missing object creates it."""
    unconditional_update: bool = True
    """PUT without a resourceVersion is accepted."""
    default: Default = _nothing
    prepare: Default = _nothing
    """What only a new object gets, such as its first status."""
    validate: Validate = _accept
    status_form: StatusForm | None = None
    """What is added to a status that somebody writes; None: nothing."""
    validate_status: Validate = _accept
    """What is wrong with a status that somebody writes, given the stored object."""
    decode: Decode | None = None
    """Reads a custom object; the built-in kinds are read by their shapes."""
    columns: tuple[Column, ...] = ()
    fields: tuple[str, ...] = ()
    """Field selectors beyond metadata.name and metadata.namespace."""
    deprecation: str = ""
    """What everybody is warned of who asks for the kind."""
    custom: bool = False
    """Defined by a CustomResourceDefinition."""
    stored_version: bool = True
    """Of several versions of a custom resource, the one that comes first in discovery."""

    @property
    def key(self) -> tuple[str, str]:
        """What identifies the stored objects: versions of one resource share them."""
        return (self.group, self.plural)

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """The name in messages: ``deployments.apps``, ``pods``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def base_path(self) -> str:
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    def path(self, namespace: str = "", name: str = "") -> str:
        """The URL path of a collection or, with a name, of one object."""
        middle = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{self.base_path}{middle}/{self.plural}" + (f"/{name}" if name else "")

    def __str__(self) -> str:
        return self.qualified


NAMESPACES = Resource(
    kind="Namespace",
    plural="namespaces",
    short_names=("ns",),
    namespaced=False,
    status=True,
    grace=Grace.NAMESPACE,
    returns_deleted=True,
    verbs=tuple(verb for verb in VERBS if verb != "deletecollection"),
    prepare=defaults.new_namespace,
    default=defaults.namespace,
    validate=validation.namespace,
    status_form=statuses.NAMESPACE,
    validate_status=status_validation.namespace,
    columns=COLUMNS["Namespace"],
    fields=("status.phase",),
)
NODES = Resource(
    kind="Node",
    plural="nodes",
    short_names=("no",),
    namespaced=False,
    status=True,
    validate=validation.node,
    status_form=statuses.NODE,
    columns=COLUMNS["Node"],
    fields=("spec.unschedulable",),
)
PODS = Resource(
    kind="Pod",
    plural="pods",
    short_names=("po",),
    categories=("all",),
    status=True,
    generation=Bump.SPEC,
    grace=Grace.POD,
    returns_deleted=True,
    default=defaults.pod,
    prepare=defaults.new_pod,
    validate=validation.pod,
    status_form=statuses.POD,
    validate_status=status_validation.pod,
    columns=COLUMNS["Pod"],
    fields=(
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
)
SERVICES = Resource(
    kind="Service",
    plural="services",
    short_names=("svc",),
    categories=("all",),
    status=True,
    returns_deleted=True,
    create_on_update=True,
    default=defaults.service,
    prepare=defaults.new_service,
    validate=service_validation.service,
    status_form=statuses.SERVICE,
    validate_status=status_validation.service,
    columns=COLUMNS["Service"],
    fields=("spec.clusterIP", "spec.type"),
)
ENDPOINTS = Resource(
    kind="Endpoints",
    plural="endpoints",
    singular="endpoints",
    short_names=("ep",),
    create_on_update=True,
    default=defaults.endpoints,
    validate=validation.dns_named,
    deprecation="v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
    columns=COLUMNS["Endpoints"],
)
CONFIG_MAPS = Resource(
    kind="ConfigMap",
    plural="configmaps",
    short_names=("cm",),
    validate=validation.config_map,
    columns=COLUMNS["ConfigMap"],
)
SECRETS = Resource(
    kind="Secret",
    plural="secrets",
    default=defaults.secret,
    validate=validation.secret,
    columns=COLUMNS["Secret"],
    fields=("type",),
)
SERVICE_ACCOUNTS = Resource(
    kind="ServiceAccount",
    plural="serviceaccounts",
    short_names=("sa",),
    returns_deleted=True,
    validate=validation.dns_named,
    columns=COLUMNS["ServiceAccount"],
)
EVENTS = Resource(
    kind="Event",
    plural="events",
    short_names=("ev",),
    create_on_update=True,
    default=defaults.event,
    validate=validation.event,
    columns=COLUMNS["Event"],
    fields=(
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
)
DEPLOYMENTS = Resource(
    group="apps",
    kind="Deployment",
    plural="deployments",
    short_names=("deploy",),
    categories=("all",),
    status=True,
    scale=Scale(),
    generation=Bump.SPEC_AND_ANNOTATIONS,
    default=defaults.deployment,
    prepare=defaults.empty_status,
    validate=validation.deployment,
    status_form=statuses.DEPLOYMENT,
    validate_status=status_validation.deployment,
    columns=COLUMNS["Deployment"],
)
REPLICA_SETS = Resource(
    group="apps",
    kind="ReplicaSet",
    plural="replicasets",
    short_names=("rs",),
    categories=("all",),
    status=True,
    scale=Scale(),
    generation=Bump.SPEC,
    default=defaults.replica_set,
    prepare=defaults.new_replica_set,
    validate=validation.replica_set,
    status_form=statuses.REPLICA_SET,
    validate_status=status_validation.replica_set,
    columns=COLUMNS["ReplicaSet"],
    fields=("status.replicas",),
)
JOBS = Resource(
    group="batch",
    kind="Job",
    plural="jobs",
    categories=("all",),
    status=True,
    generation=Bump.SPEC,
    deletion="Orphan",
    default=jobs.job,
    prepare=jobs.new_job,
    validate=jobs.validate,
    status_form=statuses.JOB,
    validate_status=job_status_validation.validate,
    columns=COLUMNS["Job"],
    fields=("status.successful",),
)
ENDPOINT_SLICES = Resource(
    group="discovery.k8s.io",
    kind="EndpointSlice",
    plural="endpointslices",
    generation=Bump.ALL_BUT_METADATA,
    unconditional_update=False,
    default=defaults.endpoint_slice,
    validate=validation.endpoint_slice,
    columns=COLUMNS["EndpointSlice"],
)
LEASES = Resource(
    group="coordination.k8s.io",
    kind="Lease",
    plural="leases",
    create_on_update=True,
    unconditional_update=False,
    default=defaults.lease,
    validate=validation.lease,
    columns=COLUMNS["Lease"],
)
POD_DISRUPTION_BUDGETS = Resource(
    group="policy",
    kind="PodDisruptionBudget",
    plural="poddisruptionbudgets",
    short_names=("pdb",),
    status=True,
    generation=Bump.SPEC,
    unconditional_update=False,
    prepare=defaults.new_pod_disruption_budget,
    validate=validation.pod_disruption_budget,
    status_form=statuses.POD_DISRUPTION_BUDGET,
    validate_status=status_validation.pod_disruption_budget,
    columns=COLUMNS["PodDisruptionBudget"],
)
CUSTOM_RESOURCE_DEFINITIONS = Resource(
    group="apiextensions.k8s.io",
    kind="CustomResourceDefinition",
    plural="customresourcedefinitions",
    short_names=("crd", "crds"),
    categories=("api-extensions",),
    namespaced=False,
    status=True,
    generation=Bump.SPEC,
    unconditional_update=False,
    default=defaults.custom_resource_definition,
    prepare=defaults.new_custom_resource_definition,
    validate=schema_validation.definition,
    columns=COLUMNS["CustomResourceDefinition"],
)
ROLES = Resource(
    group=GROUP,
    kind="Role",
    plural="roles",
    create_on_update=True,
    default=granting.role,
    validate=granting.validate_role,
    columns=COLUMNS["Role"],
)
CLUSTER_ROLES = replace(ROLES, kind="ClusterRole", plural="clusterroles", namespaced=False)
ROLE_BINDINGS = Resource(
    group=GROUP,
    kind="RoleBinding",
    plural="rolebindings",
    create_on_update=True,
    default=granting.binding,
    validate=granting.validate_binding,
    columns=COLUMNS["RoleBinding"],
)
CLUSTER_ROLE_BINDINGS = replace(
    ROLE_BINDINGS, kind="ClusterRoleBinding", plural="clusterrolebindings", namespaced=False
)


def _review(group: str, kind: str, *, namespaced: bool = False) -> Resource:
    """A question that is asked by creating it."""
    return Resource(group=group, kind=kind, plural=f"{kind.lower()}s", namespaced=namespaced, verbs=("create",))


REVIEWS = (
    _review("authentication.k8s.io", "SelfSubjectReview"),
    _review("authentication.k8s.io", "TokenReview"),
    _review("authorization.k8s.io", "LocalSubjectAccessReview", namespaced=True),
    _review("authorization.k8s.io", "SelfSubjectAccessReview"),
    _review("authorization.k8s.io", "SelfSubjectRulesReview"),
    _review("authorization.k8s.io", "SubjectAccessReview"),
)

BUILT_IN = (
    NAMESPACES,
    NODES,
    PODS,
    SERVICES,
    ENDPOINTS,
    CONFIG_MAPS,
    SECRETS,
    SERVICE_ACCOUNTS,
    EVENTS,
    DEPLOYMENTS,
    REPLICA_SETS,
    JOBS,
    ENDPOINT_SLICES,
    LEASES,
    POD_DISRUPTION_BUDGETS,
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    ROLE_BINDINGS,
    ROLES,
    *REVIEWS,
    CUSTOM_RESOURCE_DEFINITIONS,
)


@dataclass(slots=True)
class Registry:
    """The rows in force: the built-in ones, and those that CustomResourceDefinitions add and take away."""

    _rows: tuple[Resource, ...] = BUILT_IN
    _changing: Lock = field(default_factory=Lock)

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._rows)

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        for row in self._rows:
            if (row.group, row.version, row.plural) == (group, version, plural):
                return row
        return None

    def of_kind(self, api_version: str, kind: str) -> Resource | None:
        """The row of an object, or of an owner reference."""
        for row in self._rows:
            if (row.api_version, row.kind) == (api_version, kind):
                return row
        return None

    def replace_custom(self, group: str, plural: str, rows: tuple[Resource, ...]) -> None:
        """Serve these rows (none: nothing more) for a custom resource, in place of those served until now."""
        with self._changing:
            kept = tuple(row for row in self._rows if not (row.custom and row.key == (group, plural)))
            self._rows = kept + rows
