"""What the API server says of pods before any kubelet sees them; the same on both grounds."""

import pytest

VOLUME = {"volumes": [{"name": "v", "emptyDir": {}}]}
FIRST = {"name": "i", "image": "web:1"}
NOT_FIRST = "Forbidden: may not be set for init containers without restartPolicy=Always"


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
