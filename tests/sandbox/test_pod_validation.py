"""What the API server says of pods before any kubelet sees them; the same on both grounds."""

import pytest

SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
MODE = "must be a number between 0 and 0777 (octal), both inclusive"
RESOURCES = (
    'supported values: "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", '
    '"requests.ephemeral-storage", "requests.memory"'
)
NAME = {"fieldRef": {"fieldPath": "metadata.name"}}
CPU = {"resourceFieldRef": {"resource": "limits.cpu", "containerName": "main"}}
PORT = {"tcpSocket": {"port": 1}}
VOLUME = {"volumes": [{"name": "v", "emptyDir": {}}]}
FIRST = {"name": "i", "image": "web:1"}
NOT_FIRST = "Forbidden: may not be set for init containers without restartPolicy=Always"


def volume(**kind):
    return {"volumes": [{"name": "v", **kind}]}


def told(**item):
    return volume(downwardAPI={"items": [{"path": "p", **item}]})


def mounted(**mount):
    return {"volumeMounts": [{"name": "v", "mountPath": "/a", **mount}]}


def ask(cluster, namespace, spec, **container):
    main = {"name": "main", "image": "web:1", **container}
    body = {"metadata": {"name": "one"}, "spec": {"containers": [main], "automountServiceAccountToken": False, **spec}}
    cluster.ask("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "default"}})
    return cluster.ask("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", body)


@pytest.mark.parametrize(
    ("spec", "container", "cause"),
    [
        (
            {"initContainers": [{**FIRST, "lifecycle": {"preStop": {"sleep": {"seconds": 1}}}}]},
            {},
            f"spec.initContainers[0].lifecycle: {NOT_FIRST}",
        ),
        (
            {"initContainers": [{**FIRST, "readinessProbe": {"tcpSocket": {"port": 1}}}]},
            {},
            f"spec.initContainers[0].readinessProbe: {NOT_FIRST}",
        ),
        (
            {"activeDeadlineSeconds": 0},
            {},
            "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive",
        ),
        (
            {},
            {"livenessProbe": {"tcpSocket": {"port": 1}, "successThreshold": 2}},
            "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
        ),
        ({}, {"livenessProbe": {}}, "spec.containers[0].livenessProbe: Required value: must specify a handler type"),
        (
            {},
            {"lifecycle": {"preStop": {}}},
            "spec.containers[0].lifecycle.preStop: Required value: must specify a handler type",
        ),
        (
            {},
            {"lifecycle": {"preStop": {"sleep": {"seconds": 99}}}},
            (
                "spec.containers[0].lifecycle.preStop.sleep: Invalid value: 99: "
                "must be non-negative and less than terminationGracePeriodSeconds (30)"
            ),
        ),
        (
            {},
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.what"}}}]},
            (
                'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "status.what": '
                "error converting fieldPath: field label not supported: status.what"
            ),
        ),
        (
            {},
            {"env": [{"name": "A", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]},
            'spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
        ),
        (
            {},
            {"env": [{"name": "A", "valueFrom": {}}]},
            (
                'spec.containers[0].env[0].valueFrom: Invalid value: "": '
                "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
            ),
        ),
        (
            VOLUME,
            {"volumeMounts": [{"name": "v", "mountPath": ""}]},
            "spec.containers[0].volumeMounts[0].mountPath: Required value",
        ),
        (
            VOLUME,
            {"volumeMounts": [{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/a"}]},
            'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/a": must be unique',
        ),
        (
            VOLUME,
            {"volumeMounts": [{"name": "v", "mountPath": "/a", "subPath": "../x"}]},
            "spec.containers[0].volumeMounts.subPath: Invalid value: \"../x\": must not contain '..'",
        ),
        (
            {"volumes": [{"name": "v", "configMap": {"name": "c", "items": [{"key": "k", "path": "../x"}]}}]},
            {},
            "spec.volumes[0].configMap.items[0].path: Invalid value: \"../x\": must not contain '..'",
        ),
        ({"volumes": [{"name": "v", "configMap": {}}]}, {}, "spec.volumes[0].configMap.name: Required value"),
        (
            {"volumes": [{"name": "v", "emptyDir": {}, "configMap": {"name": "c"}}]},
            {},
            "spec.volumes[0].configMap: Forbidden: may not specify more than 1 volume type",
        ),
        ({"volumes": [*VOLUME["volumes"] * 2]}, {}, 'spec.volumes[1].name: Duplicate value: "v"'),
        (
            {"hostAliases": [{"ip": "x", "hostnames": ["a"]}]},
            {},
            'spec.hostAliases[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
        ),
    ],
)
def test_a_pod_that_no_kubelet_could_run_is_refused(cluster, namespace, spec, container, cause):
    answer = ask(cluster, namespace, spec, **container)
    assert answer.status_code == 422
    assert answer.json()["message"] == f'Pod "one" is invalid: {cause}'


@pytest.mark.parametrize(
    ("container", "cause"),
    [
        (
            {"envFrom": [{"configMapRef": {"name": "A_b"}}]},
            f'envFrom[0].configMapRef.name: Invalid value: "A_b": {SUBDOMAIN}',
        ),
        (
            {"envFrom": [{"prefix": "1=", "configMapRef": {"name": "a"}}]},
            (
                'envFrom[0].prefix: Invalid value: "1=": a valid environment variable name must consist only of '
                "printable ASCII characters other than '='"
            ),
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "nope"}}}]},
            f'env[0].valueFrom.resourceFieldRef.resource: Unsupported value: "nope": {RESOURCES}',
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "7"}}}]},
            (
                'env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": '
                "only divisor's values 1m and 1 are supported with the cpu resource"
            ),
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "A_", "key": "k"}}}]},
            f'env[0].valueFrom.secretKeyRef.name: Invalid value: "A_": {SUBDOMAIN}',
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "a", "key": ".."}}}]},
            "env[0].valueFrom.configMapKeyRef.key: Invalid value: \"..\": must not be '..'",
        ),
        (
            {"readinessProbe": {**PORT, "terminationGracePeriodSeconds": 1}},
            "readinessProbe.terminationGracePeriodSeconds: Invalid value: 1: must not be set for readinessProbes",
        ),
        (
            {"livenessProbe": {**PORT, "terminationGracePeriodSeconds": 0}},
            "livenessProbe.terminationGracePeriodSeconds: Invalid value: 0: must be greater than 0",
        ),
        (
            {"image": " web:1"},
            'image: Invalid value: " web:1": must not have leading or trailing whitespace',
        ),
        (
            mounted(subPath="x", subPathExpr="y"),
            'volumeMounts[0].subPathExpr: Invalid value: "y": subPathExpr and subPath are mutually exclusive',
        ),
        (
            mounted(subPathExpr="../y"),
            "volumeMounts.subPathExpr: Invalid value: \"../y\": must not contain '..'",
        ),
        (
            mounted(recursiveReadOnly="Enabled"),
            "volumeMounts.recursiveReadOnly: Forbidden: may only be specified when readOnly is true",
        ),
        (
            mounted(recursiveReadOnly="X"),
            (
                'volumeMounts.recursiveReadOnly: Unsupported value: "X": '
                'supported values: "Disabled", "Enabled", "IfPossible"'
            ),
        ),
    ],
)
def test_a_container_that_no_kubelet_could_run_is_refused(cluster, namespace, container, cause):
    answer = ask(cluster, namespace, VOLUME, **container)
    assert answer.status_code == 422
    assert answer.json()["message"] == f'Pod "one" is invalid: spec.containers[0].{cause}'


@pytest.mark.parametrize(
    ("spec", "cause"),
    [
        (
            volume(projected={"sources": [{"configMap": {"name": "c"}, "secret": {"name": "s"}}]}),
            "volumes[0].projected.sources[0]: Forbidden: may not specify more than 1 volume type per source",
        ),
        (
            volume(projected={"sources": [{"downwardAPI": {"items": [{"path": "p", **NAME}] * 2}}]}),
            'volumes[0].projected: Invalid value: "p": conflicting duplicate paths',
        ),
        (
            told(fieldRef={"fieldPath": "status.podIP"}),
            (
                'volumes[0].downwardAPI.fieldRef.fieldPath: Unsupported value: "status.podIP": supported values: '
                '"metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"'
            ),
        ),
        (
            told(**NAME, **CPU),
            (
                'volumes[0].downwardAPI: Invalid value: "resource": '
                "fieldRef and resourceFieldRef can not be specified simultaneously"
            ),
        ),
        (told(), "volumes[0].downwardAPI: Required value: one of fieldRef and resourceFieldRef is required"),
        (
            told(resourceFieldRef={"resource": "limits.cpu"}),
            "volumes[0].downwardAPI.resourceFieldRef.containerName: Required value",
        ),
        (told(**NAME, mode=512), f"volumes[0].downwardAPI.mode: Invalid value: 512: {MODE}"),
        (
            volume(configMap={"name": "c", "defaultMode": 512}),
            f"volumes[0].configMap.defaultMode: Invalid value: 512: {MODE}",
        ),
        (
            volume(secret={"secretName": "s", "items": [{"key": "k", "path": "p", "mode": -1}]}),
            f"volumes[0].secret.items[0].mode: Invalid value: -1: {MODE}",
        ),
        (
            volume(emptyDir={"sizeLimit": "-1"}),
            "volumes[0].emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity",
        ),
        (
            {"hostAliases": [{"ip": "1.2.3.4", "hostnames": ["a", "A_"]}]},
            f'hostAliases[0].hostnames[1]: Invalid value: "A_": {SUBDOMAIN}',
        ),
        (
            {"ephemeralContainers": [{"name": "e", "image": "web:1"}]},
            "ephemeralContainers: Forbidden: cannot be set on create",
        ),
        (
            {"initContainers": [{"name": "main", "image": "web:1"}]},
            'initContainers[0].name: Duplicate value: "main"',
        ),
    ],
)
def test_a_pod_whose_parts_contradict_each_other_is_refused(cluster, namespace, spec, cause):
    answer = ask(cluster, namespace, spec)
    assert answer.status_code == 422
    assert answer.json()["message"] == f'Pod "one" is invalid: spec.{cause}'


def test_a_template_cannot_have_what_pods_get_only_later(cluster, namespace):
    spec = {
        "containers": [{"name": "main", "image": " web:1"}],
        "ephemeralContainers": [{"name": "e", "image": "web:1"}],
    }
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": spec}
    body = {"metadata": {"name": "one"}, "spec": {"selector": {"matchLabels": labels}, "template": template}}
    answer = cluster.ask("POST", f"/apis/apps/v1/namespaces/{namespace}/deployments?dryRun=All", body)
    cause = "spec.template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template"
    assert answer.json()["message"] == f'Deployment.apps "one" is invalid: {cause}'


def test_causes_are_told_in_the_order_of_the_real_server(cluster, namespace):
    answer = ask(
        cluster,
        namespace,
        {
            "initContainers": [{"name": "main", "image": "", "readinessProbe": PORT}],
            "volumes": [{"name": "v", "configMap": {}}],
        },
        envFrom=[{}],
        env=[{}],
        imagePullPolicy="Perhaps",
        volumeMounts=[{"name": "w", "mountPath": "/a"}],
        lifecycle={"preStop": {}},
        livenessProbe={},
    )
    assert [cause["field"] for cause in answer.json()["details"]["causes"]] == [
        "spec.volumes[0].configMap.name",
        "spec.containers[0].env[0].name",
        "spec.containers[0].envFrom",
        "spec.containers[0].volumeMounts[0].name",
        "spec.containers[0].imagePullPolicy",
        "spec.containers[0].lifecycle.preStop",
        "spec.containers[0].livenessProbe",
        "spec.initContainers[0].image",
        "spec.initContainers[0].name",
        "spec.initContainers[0].readinessProbe",
    ]


def test_what_is_left_out_is_filled_in(cluster, namespace):
    field = {"fieldRef": {"fieldPath": "metadata.name"}}
    amount = {"resourceFieldRef": {"resource": "limits.cpu", "containerName": "main"}}
    told = [{"path": "f", **field}, {"path": "r", **amount}]
    token = {"serviceAccountToken": {"path": "t"}}
    answer = ask(
        cluster,
        namespace,
        {
            "volumes": [
                {"name": "d", "downwardAPI": {"items": told}},
                {"name": "p", "projected": {"sources": [{"downwardAPI": {"items": told}}, token]}},
                {"name": "h", "hostPath": {"path": "/x"}},
            ]
        },
        env=[{"name": "A", "valueFrom": field}, {"name": "B", "valueFrom": amount}],
        lifecycle={"preStop": {"httpGet": {"port": 80}}},
        resources={"limits": {"cpu": "1500m", "memory": "64Mi"}, "requests": {"cpu": "1"}},
    )
    assert answer.status_code == 201, answer.text
    spec = answer.json()["spec"]
    field = {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}
    amount = {"resourceFieldRef": {"resource": "limits.cpu", "containerName": "main", "divisor": "0"}}
    told = [{"path": "f", **field}, {"path": "r", **amount}]
    down, projected, host = spec["volumes"]
    assert down == {"name": "d", "downwardAPI": {"items": told, "defaultMode": 0o644}}
    token = {"serviceAccountToken": {"path": "t", "expirationSeconds": 3600}}
    sources = [{"downwardAPI": {"items": told}}, token]
    assert projected == {"name": "p", "projected": {"sources": sources, "defaultMode": 0o644}}
    assert host == {"name": "h", "hostPath": {"path": "/x", "type": ""}}
    container = spec["containers"][0]
    assert [each["valueFrom"] for each in container["env"]] == [field, amount]
    assert container["lifecycle"] == {"preStop": {"httpGet": {"port": 80, "path": "/", "scheme": "HTTP"}}}
    assert container["resources"]["requests"] == {"cpu": "1", "memory": "64Mi"}
