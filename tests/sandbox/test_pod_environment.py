"""What a container finds in its environment, on its command line, and as its working folder."""

import pytest
from pod_world import FOREVER

from gate.sandbox.kubernetes.language.downward import Unresolved, quantity


def test_variables_come_from_values_config_maps_secrets_fields_and_resources(pods):
    pods.make("configmaps", "c", data={"k": "configured", "l": "level"})
    pods.make("secrets", "s", stringData={"k": "hidden"})
    fields = {
        "NAME": "metadata.name",
        "NAMESPACE": "metadata.namespace",
        "UID_": "metadata.uid",
        "TIER": "metadata.labels['tier']",
        "NOTE": "metadata.annotations['example.com/note']",
        "ADDRESS": "status.podIP",
        "NODE": "spec.nodeName",
        "NODE_ADDRESS": "status.hostIP",
    }
    env = [
        {"name": "PLAIN", "value": "plain"},
        {"name": "CONFIG", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
        {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        {"name": "LESS", "valueFrom": {"secretKeyRef": {"name": "no", "key": "k", "optional": True}}},
        {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}},
        {"name": "MEMORY", "valueFrom": {"resourceFieldRef": {"resource": "requests.memory", "divisor": "1Mi"}}},
        *({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()),
    ]
    pods.run(
        f"env; echo end; {FOREVER}",
        meta={"labels": {"tier": "front"}, "annotations": {"example.com/note": "a note"}},
        env=env,
        envFrom=[{"prefix": "C_", "configMapRef": {"name": "c"}}, {"secretRef": {"name": "no", "optional": True}}],
        resources={"limits": {"cpu": "1500m"}, "requests": {"memory": "64Mi"}},
    )
    found = dict(line.partition("=")[::2] for line in pods.says("end").splitlines())
    pod = pods.pod()
    expected = {
        "PLAIN": "plain",
        "CONFIG": "configured",
        "SECRET": "hidden",
        "C_k": "configured",
        "C_l": "level",
        "CPU": "1500",
        "MEMORY": "64",
        "NAME": "one",
        "NAMESPACE": "default",
        "UID_": pod["metadata"]["uid"],
        "TIER": "front",
        "NOTE": "a note",
        "ADDRESS": pod["status"]["podIP"],
        "NODE": "sandbox",
        "NODE_ADDRESS": pod["status"]["hostIP"],
        "HOSTNAME": "one",
    }
    assert {name: found.get(name) for name in expected} == expected
    assert "LESS" not in found


def test_references_are_expanded_where_kubernetes_does_it_and_nowhere_else(pods):
    pods.make("configmaps", "c", data={"k": "$(A)"})
    env = [
        {"name": "EARLY", "value": "$(A)"},
        {"name": "A", "value": "x"},
        {"name": "B", "value": "$(A) $$(A) $(NOBODY)"},
        {"name": "FROM_MAP", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
    ]
    words = ["printf '%s\\n' \"$@\"", "$(B)", "$(EARLY)", "$(FROM_MAP)", "$(PATH)"]
    pods.run("", command=["sh", "-c", *words[:1]], args=["--", *words[1:], "end"], env=env)
    assert pods.says("end").splitlines() == ["x $(A) $(NOBODY)", "$(A)", "$(A)", "$(PATH)", "end"]


def test_args_follow_the_images_own_command(pods):
    pods.create({"containers": [{"name": "main", "image": "web:1", "args": ["--nonsense"]}]})
    assert "nonsense" in pods.says("nonsense", "previous=false")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"configMapKeyRef": {"name": "c", "key": "k"}}, 'configmap "c" not found'),
        ({"secretKeyRef": {"name": "s", "key": "k"}}, 'secret "s" not found'),
        ({"configMapKeyRef": {"name": "here", "key": "no"}}, "couldn't find key no in ConfigMap default/here"),
        ({"secretKeyRef": {"name": "here", "key": "no"}}, "couldn't find key no in Secret default/here"),
    ],
)
def test_what_is_missing_is_waited_for_in_the_kubelets_words(pods, source, message):
    pods.make("configmaps", "here", data={"k": "v"})
    pods.make("secrets", "here", stringData={"k": "v"})
    pods.run(FOREVER, env=[{"name": "X", "valueFrom": source}])
    assert pods.waits("CreateContainerConfigError") == message
    assert pods.event("Failed") == f"Error: {message}"
    assert pods.pod()["status"]["phase"] == "Pending"


def test_the_working_folder_is_the_one_that_is_asked_for(pods):
    pods.create(
        {
            "containers": [
                {"name": "main", "image": "web:1", "command": ["pwd"], "workingDir": "/no/such/folder/here"},
                {"name": "other", "image": "web:1", "command": ["pwd"]},
            ],
            "restartPolicy": "Never",
        }
    )
    assert pods.says("here", "container=main") == "/no/such/folder/here\n"
    pods.phase("Succeeded")
    assert pods.log("container=other") == "/\n"


@pytest.mark.parametrize(
    ("text", "number"),
    [("500m", 0.5), ("2", 2), ("64Mi", 64 * 2**20), ("1.5Gi", 1.5 * 2**30), ("2e3", 2000), ("3k", 3000)],
)
def test_quantities_are_numbers_with_their_suffix(text, number):
    assert quantity(text) == number


@pytest.mark.parametrize("text", ["", "much", "1MiB", "1 Gi"])
def test_what_is_no_quantity_is_said_with_a_remedy(text):
    with pytest.raises(Unresolved, match="write it like 500m"):
        quantity(text)
