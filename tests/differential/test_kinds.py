"""What the kinds fill in and refuse, apart from their controllers: both grounds say the same."""

import pytest

from tests.differential.comparing import Pair
from tests.differential.player import JSON_PATCH, STRATEGIC, Ask
from tests.differential.samples import pod
from tests.differential.words import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    ENDPOINTS,
    EVENTS,
    JOBS,
    LEASES,
    PARTIAL,
    PODS,
    REPLICA_SETS,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
    SLICES,
    TABLE,
    deployment,
)

pytestmark = pytest.mark.cluster

SUSPENDED = JOBS.object(
    "j",
    spec={
        "suspend": True,
        "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "web:1"}]}},
    },
)
UID_OF_JOB = "batch.kubernetes.io/controller-uid"
OF_JOB = {"matchLabels": {UID_OF_JOB: "${j:metadata.uid}"}}
LABELS_OF_JOB = {
    "labels": {
        UID_OF_JOB: "${j:metadata.uid}",
        "controller-uid": "${j:metadata.uid}",
        "batch.kubernetes.io/job-name": "j",
        "job-name": "j",
    }
}
ABOUT = {"kind": "Pod", "namespace": "${ns}", "name": "p"}
WITHOUT_ADDRESSES = ("message", "details", "metadata.generation", "spec.type", "spec.ports", "spec.selector", "status")
FAMILIES = ("message", "details", "spec.ipFamilies", "spec.ipFamilyPolicy", "spec.clusterIPs")
FAMILY_WISHES: tuple[dict[str, object], ...] = (
    {},
    {"ipFamilyPolicy": "SingleStack"},
    {"ipFamilyPolicy": "PreferDualStack"},
    {"ipFamilyPolicy": "RequireDualStack"},
    {"ipFamilyPolicy": "Other"},
    {"ipFamilies": ["IPv4"]},
    {"ipFamilies": ["IPv6"]},
    {"ipFamilies": ["IPv4", "IPv4"]},
    {"ipFamilies": ["Other"]},
    {"ipFamilies": ["IPv6"], "ipFamilyPolicy": "SingleStack"},
)
FOREVER = {"key": "a", "operator": "Exists"}
FOR_A_WHILE = {"key": "b", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}
WHEN = "2020-01-01T00:00:00Z"
MICRO = "2020-01-01T00:00:00.000001Z"


def template(**container: object) -> dict[str, dict[str, object]]:
    containers = [{"name": "web", "image": "web:1", **container}]
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": containers}}


def templated(**spec: object) -> Ask:
    plain = template()
    return refused(template={**plain, "spec": {**plain["spec"], **spec}})


def slice_of(name: str, address: str) -> dict[str, object]:
    return SLICES.object(name, addressType="IPv4", endpoints=[{"addresses": [address]}], ports=[{"port": 80}])


def refused(**spec: object) -> Ask:
    return DEPLOYMENTS.create(deployment("web", **spec), dryRun="All")


def service(name: str, /, **spec: object) -> Ask:
    return SERVICES.create(SERVICES.object(name, spec=spec)).show(*WITHOUT_ADDRESSES)


def job(**pods: object) -> Ask:
    spec = {"containers": [{"name": "main", "image": "web:1"}], **pods}
    return JOBS.create(JOBS.object("j", spec={"suspend": True, "template": {"spec": spec}}), dryRun="All").show(
        "code", "message", "details"
    )


def suspended(*, metadata: object = None, template: object = None, **spec: object) -> Ask:
    """A PUT of the Job that was made, with these parts."""
    pods = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "web:1"}]}
    whole = {"suspend": True, "template": {"spec": pods, **({"metadata": template} if template else {})}, **spec}
    body = JOBS.object("j", spec=whole, **({"metadata": metadata} if metadata else {}))
    return JOBS.put(body, "j")


def resent(template: object) -> Ask:
    return JOBS.patch({"spec": {"template": template}}, "j")


def event(name: str, /, **fields: object) -> Ask:
    return EVENTS.create(EVENTS.object(name, metadata={"namespace": "${ns}"}, **{"involvedObject": ABOUT, **fields}))


SCRIPTS: dict[str, tuple[Ask, ...]] = {
    "Deployments": (
        DEPLOYMENTS.create(deployment()),
        DEPLOYMENTS.get("web").settle().show("metadata.generation", "spec"),
        DEPLOYMENTS.get("web", "scale").show("kind", "apiVersion", "spec", "status"),
        *(DEPLOYMENTS.get("web", "scale").accepting(form) for form in (TABLE, PARTIAL)),
        REPLICA_SETS.get(fieldSelector="status.replicas=0"),
        DEPLOYMENTS.patch({"spec": {"replicas": -1}}, "web", "scale"),
        DEPLOYMENTS.patch({"spec": {"replicas": "x"}}, "web", "scale").roughly(),
        DEPLOYMENTS.patch({"metadata": {"labels": {"a": "b"}}}, "web").show("metadata.generation"),
        DEPLOYMENTS.patch({"metadata": {"annotations": {"a": "b"}}}, "web").show("metadata.generation"),
        DEPLOYMENTS.get("web").settle().show("metadata.generation"),
        DEPLOYMENTS.patch({"spec": {"minReadySeconds": 0}}, "web").show("metadata.generation"),
        DEPLOYMENTS.patch({"spec": {"template": {"spec": {"containers": []}}}}, "web"),
        DEPLOYMENTS.patch({"status": {"replicas": 7}}, "web").show("status.replicas"),
    ),
    "Jobs that are replaced": (
        JOBS.create(SUSPENDED).keep("j").show("code"),
        JOBS.get("j").settle().show("code"),
        suspended(),
        suspended(metadata={"uid": "${j:metadata.uid}"}, parallelism=2),
        suspended(selector=OF_JOB),
        suspended(template=LABELS_OF_JOB),
        suspended(selector=OF_JOB, template={"labels": {"job-name": "j"}}),
        suspended(selector={"matchLabels": {"x": "y"}}, template={"labels": {"x": "y"}}),
        suspended(selector=OF_JOB, template=LABELS_OF_JOB),
    ),
    "Jobs whose pods are sent elsewhere": (
        JOBS.create(SUSPENDED).show("code"),
        JOBS.get("j").settle().show("code"),
        resent({"metadata": {"labels": {"x": "y"}}}),
        resent({"metadata": {"annotations": {"x": "y"}}}),
        resent({"spec": {"nodeSelector": {"a": "b"}}}),
        resent({"spec": {"tolerations": [{"key": "a", "operator": "Exists"}]}}),
        resent({"spec": {"schedulingGates": [{"name": "a.b/c"}]}}),
        resent({"spec": {"schedulingGates": None}}),
        resent({"spec": {"nodeSelector": None}}),
        resent({"spec": {"priorityClassName": "x"}}),
        resent({"spec": {"containers": [{"name": "main", "image": "web:2"}]}}),
        resent({"metadata": {"labels": {"job-name": "other"}}}),
        resent({"metadata": {"labels": {"batch.kubernetes.io/controller-uid": "other"}}}),
        resent({"metadata": {"labels": None}}),
        JOBS.get("j").show("spec", "metadata.generation"),
    ),
    "how Jobs start their pods again": tuple(
        job(restartPolicy=policy) for policy in ("Never", "OnFailure", "Always", "Perhaps", "never", "", None)
    ),
    "Jobs whose pods cannot be": (job(), job(restartPolicy="Never", containers=[]), job(containers=[{"name": "A"}])),
    "Deployments that cannot be": (
        refused(selector=None),
        refused(selector={}),
        refused(selector={"matchLabels": {"app": "other"}}),
        refused(selector={"matchExpressions": [{"key": "app", "operator": "In"}]}),
        refused(selector={"matchExpressions": [{"key": "app", "operator": "Exists", "values": ["x"]}]}),
        refused(replicas=-1),
        refused(minReadySeconds=-1),
        refused(minReadySeconds=700),
        refused(progressDeadlineSeconds=0),
        refused(strategy={"type": "Sideways"}),
        refused(strategy={"type": "Recreate", "rollingUpdate": {}}).roughly(),
        refused(strategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}),
        refused(strategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}),
        refused(strategy={"rollingUpdate": {"maxSurge": "x"}}),
        refused(strategy={"rollingUpdate": {"maxSurge": -1}}),
        refused(strategy={"rollingUpdate": {"maxSurge": "120%"}}),
        refused(strategy={"rollingUpdate": {"maxUnavailable": "120%"}}),
        refused(strategy={"rollingUpdate": {"maxUnavailable": -1}}),
        refused(template={}),
        templated(restartPolicy="Never"),
        templated(activeDeadlineSeconds=5),
        templated(dnsPolicy="Sideways"),
        templated(nodeName="Upper"),
        templated(serviceAccountName="Upper"),
        templated(hostname="Upper"),
        templated(nodeSelector={"a b": "c"}),
        templated(volumes=[{"name": "Upper", "emptyDir": {}}]),
        refused(template=template(name="")),
        refused(template=template(name="Upper")),
        refused(template=template(image="")),
        refused(template=template(ports=[{"containerPort": 0}])),
        refused(template=template(ports=[{"containerPort": 80}, {"containerPort": 99999}])),
        refused(template=template(env=[{"value": "x"}])),
        refused(template=template(ports=[{"name": "-Much--too-long-a-name", "containerPort": 80}])),
        refused(template=template(ports=[{"name": "x", "containerPort": 1}, {"name": "x", "containerPort": 2}])),
        refused(template=template(ports=[{"containerPort": 80, "protocol": "ICMP"}])),
        refused(template=template(env=[{"name": "a=b", "value": "x"}])),
        refused(template=template(envFrom=[{}])),
        refused(template=template(envFrom=[{"configMapRef": {}}])),
        refused(template=template(imagePullPolicy="Sometimes")),
        refused(template=template(readinessProbe={"httpGet": {"port": 80, "scheme": "ftp"}})),
        refused(template=template(readinessProbe={"httpGet": {}})),
        refused(template=template(readinessProbe={"tcpSocket": {"port": 99999}})),
        refused(template=template(readinessProbe={"exec": {}})),
        refused(template=template(readinessProbe={"httpGet": {"port": "-"}})),
        refused(template=template(lifecycle={"preStop": {"httpGet": {}}})),
        refused(template=template(terminationMessagePolicy="Never")),
        refused(template=template(volumeMounts=[{"name": "none", "mountPath": "/x"}])),
    ),
    "ReplicaSets": (
        REPLICA_SETS.create(
            REPLICA_SETS.object(
                "r", spec={"replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": template()}
            )
        ),
        REPLICA_SETS.get("r").settle(),
        REPLICA_SETS.patch({"spec": {"selector": {"matchLabels": {"app": "other"}}}}, "r"),
        REPLICA_SETS.create(REPLICA_SETS.object("q", spec={"selector": {}, "template": template()})),
        REPLICA_SETS.create(REPLICA_SETS.object("q", spec={"template": template()})),
        REPLICA_SETS.get("r", "scale").show("spec", "status"),
    ),
    "Pods": (
        PODS.create(PODS.object("p", spec=template()["spec"])).show("message"),
        PODS.patch({"spec": {"containers": [{"name": "web", "image": ""}]}}, "p", media=STRATEGIC).roughly(),
        PODS.patch({"spec": {"activeDeadlineSeconds": 300}}, "p").show("message", "spec.activeDeadlineSeconds"),
        PODS.patch({"spec": {"activeDeadlineSeconds": 500}}, "p").show("message", "details"),
        PODS.patch({"spec": {"activeDeadlineSeconds": None}}, "p").show("message", "details"),
    ),
    "Services": (
        service("a", selector={"app": "web"}, ports=[{"port": 80}]),
        service(
            "b",
            ports=[{"port": 80, "targetPort": "http", "name": "web"}, {"port": 81, "protocol": "UDP", "name": "other"}],
        ),
        SERVICES.create(SERVICES.object("c", spec={"clusterIP": "None", "selector": {"a": "b"}})),
        service("d"),
        service("e", ports=[{"port": 0}]),
        service("e", ports=[{"port": 80}, {"port": 81}]),
        service("e", ports=[{"port": 80, "name": "x"}, {"port": 81, "name": "x"}]),
        service("e", ports=[{"port": 80, "name": "x"}, {"port": 80, "name": "y"}]),
        service("e", ports=[{"port": 80, "name": "Upper"}]),
        service("e", ports=[{"port": 80, "protocol": "ICMP"}]),
        service("e", ports=[{"port": 80, "targetPort": 99999}]),
        service("e", ports=[{"port": 80, "targetPort": "Much--too-long-a-name-"}]),
        service("e", ports=[{"port": 80}], selector={"a b": "c d"}),
        service("e", type="Sideways", ports=[{"port": 80}]),
        service("Upper", ports=[{"port": 80}]),
        service("9digit", ports=[{"port": 80}]),
        service("e", ports=[{"port": 80, "nodePort": 30001}]),
        service("e", ports=[{"port": 80}], clusterIP="nowhere"),
        service("e", ports=[{"port": 80}], ipFamilies=["IPv6"]),
        service("e", ports=[{"port": 80}], sessionAffinity="Sideways"),
        service("e", ports=[{"port": 80}], internalTrafficPolicy="Sideways"),
        service("e", ports=[{"port": 80}], externalTrafficPolicy="Local"),
        service("e", type="ExternalName"),
        service("e", type="ExternalName", externalName="elsewhere.example"),
        SERVICES.delete("a").show("kind", "metadata.name", "metadata.deletionTimestamp"),
    ),
    "Services without pods of their own": (
        *(
            service(f"s{number}", clusterIP="None", ports=[{"port": 80}], **more).show(*FAMILIES)
            for number, more in enumerate(FAMILY_WISHES)
        ),
        *(
            service(f"t{number}", clusterIP="None", ports=[{"port": 80}], selector={"a": "b"}, **more).show(*FAMILIES)
            for number, more in enumerate(FAMILY_WISHES)
        ),
        SERVICES.patch({"spec": {"selector": {"a": "b"}}}, "s0").show(*FAMILIES),
        SERVICES.patch({"spec": {"selector": None}}, "t0").show(*FAMILIES),
    ),
    "Endpoints": (
        ENDPOINTS.create(ENDPOINTS.object("e")),
        ENDPOINTS.create(ENDPOINTS.object("E")),
        ENDPOINTS.get("e"),
        ENDPOINTS.get("none"),
        ENDPOINTS.get(),
        ENDPOINTS.get().accepting(TABLE),
        ENDPOINTS.watch(timeoutSeconds="1"),
        ENDPOINTS.patch({"metadata": {"labels": {"a": "b"}}}, "e"),
        ENDPOINTS.delete("e"),
        ENDPOINTS.delete(),
    ),
    "what a living pod tolerates": (
        PODS.create(pod("p", spec={**pod("p")["spec"], "tolerations": [FOREVER, FOR_A_WHILE]})).show("code"),
        *(
            PODS.patch(change, "p", media=JSON_PATCH).show("message", "details")
            for change in (
                [{"op": "remove", "path": "/spec/tolerations/0"}],
                [{"op": "replace", "path": "/spec/tolerations", "value": []}],
                [{"op": "replace", "path": "/spec/tolerations/0/key", "value": "other"}],
                [{"op": "replace", "path": "/spec/tolerations/1/tolerationSeconds", "value": 6}],
                [{"op": "add", "path": "/spec/tolerations/-", "value": {"key": "more", "operator": "Exists"}}],
            )
        ),
        PODS.patch({"spec": {"tolerations": None}}, "p").show("message", "details"),
    ),
    "whole numbers": (
        *(refused(**{field: value}) for field in ("replicas", "minReadySeconds") for value in (2**31, -(2**31) - 1)),
        refused(replicas=1.5),
        refused(replicas=True),
        refused(revisionHistoryLimit=2**63),
        templated(activeDeadlineSeconds=2**63),
        templated(securityContext={"runAsUser": 1.5}),
        templated(tolerations=[{"key": "a", "operator": "Exists", "tolerationSeconds": 2**63}]),
        LEASES.create(LEASES.object("l", spec={"leaseDurationSeconds": 2**31})),
        LEASES.create(LEASES.object("l", spec={"leaseDurationSeconds": 0.5})),
        SERVICES.create(SERVICES.object("s", spec={"ports": [{"port": 2**31}]})),
        CONFIG_MAPS.create(CONFIG_MAPS.object("c", metadata={"generation": 2**63})),
    ),
    "Events": (
        event("e", reason="Why", message="What", type="Normal", firstTimestamp=WHEN, lastTimestamp=WHEN, count=1),
        event(
            "f",
            reason="Why",
            type="Normal",
            eventTime=MICRO,
            action="Do",
            reportingComponent="x.y/z",
            reportingInstance="i",
        ),
        event("g", involvedObject={"kind": "Pod", "namespace": "elsewhere", "name": "p"}),
        event("h", involvedObject={}),
        event("h", eventTime=WHEN).roughly(),
        event("i", lastTimestamp="2020-01-01T02:00:00.5+02:00"),
        EVENTS.patch({"count": 2}, "e"),
        EVENTS.get(fieldSelector="involvedObject.name=p,reason=Why"),
        EVENTS.get(fieldSelector="type!=Normal"),
        EVENTS.create({"metadata": {"generateName": "made-"}, "involvedObject": ABOUT}),
    ),
    "Leases": (
        LEASES.create(
            LEASES.object(
                "l",
                spec={
                    "holderIdentity": "me",
                    "leaseDurationSeconds": 15,
                    "acquireTime": MICRO,
                    "renewTime": MICRO,
                    "leaseTransitions": 0,
                },
            )
        ).keep("l"),
        LEASES.put(
            LEASES.object(
                "l",
                metadata={"resourceVersion": "${l:metadata.resourceVersion}"},
                spec={"holderIdentity": "", "leaseDurationSeconds": 1},
            ),
            "l",
        ).keep("l"),
        LEASES.put(
            LEASES.object(
                "l", metadata={"resourceVersion": "${l[0]:metadata.resourceVersion}"}, spec={"holderIdentity": "you"}
            ),
            "l",
        ),
        LEASES.create(LEASES.object("m", spec={"leaseDurationSeconds": 0})),
        LEASES.create(LEASES.object("m", spec={"leaseTransitions": -1})),
        LEASES.create(LEASES.object("m", spec={"renewTime": WHEN})).roughly(),
        LEASES.create(LEASES.object("m", spec={"renewTime": "2020-01-01T00:00:00.5Z"})).roughly(),
        LEASES.create(LEASES.object("m", spec={"renewTime": "2020-01-01T02:00:00.000001+02:00"})),
    ),
    "the rest": (
        SLICES.create(slice_of("s", "192.0.2.1")),
        SLICES.create(slice_of("t", "nowhere")).roughly(),
        SECRETS.create(SECRETS.object("s", data={"a": "dg=="}, stringData={"a": "over", "b": "new"})),
        SECRETS.create(SECRETS.object("t", type="kubernetes.io/service-account-token")),
        SERVICE_ACCOUNTS.create(SERVICE_ACCOUNTS.object("acc", automountServiceAccountToken=False)),
        SERVICE_ACCOUNTS.delete("acc").show("kind", "metadata.name", "metadata.deletionTimestamp"),
    ),
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_kinds(pair: Pair, script: tuple[Ask, ...]) -> None:
    pair.agree_on(*script)
