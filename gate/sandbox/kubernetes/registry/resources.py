"""The table of what is served from the beginning: one row for each kind."""

from dataclasses import replace

from gate.sandbox.kubernetes.registry.columns import COLUMNS
from gate.sandbox.kubernetes.registry.resource import VERBS, Bump, Grace, Resource, Scale
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
from gate.sandbox.kubernetes.schemas import schema_validation

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
    validate_aid=validation.aided_pod,
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
    grace=Grace.DEFINITION,
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
