"""Gates of a pod: conditions that others set before it is ready, names that they take away before it is placed."""

import pytest
from pod_world import FOREVER, PODS

GATE = "example.org/connected"
NOT_A_NAME = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', "
    "regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)


def say(pods, status):
    """Set the condition that the gate waits for, as a load balancer's controller does."""
    body = {"status": {"conditions": [{"type": GATE, "status": status}]}}
    media = "application/strategic-merge-patch+json"
    done = pods.ground.ask("PATCH", f"{PODS}/one/status", body, media=media)
    assert done.status_code == 200, done.text


def why_not_ready(pods):
    ready = pods.condition("Ready")
    return ready["status"] == "False" and (ready.get("reason"), ready.get("message"))


def test_a_pod_is_ready_only_while_its_gates_say_so_too(pods, eventually):
    pods.run(FOREVER, spec={"readinessGates": [{"conditionType": GATE}]})
    pods.runs()
    eventually(lambda: pods.condition("ContainersReady")["status"] == "True")
    missing = f'corresponding condition of pod readiness gate "{GATE}" does not exist.'
    assert why_not_ready(pods) == ("ReadinessGatesNotReady", missing)
    say(pods, "True")
    eventually(lambda: pods.condition("Ready")["status"] == "True")
    assert pods.condition(GATE)["status"] == "True"
    say(pods, "False")
    told = f'the status of pod readiness gate "{GATE}" is not "True", but False'
    eventually(lambda: why_not_ready(pods) == ("ReadinessGatesNotReady", told))
    assert pods.condition("ContainersReady")["status"] == "True"


def test_containers_that_are_not_ready_come_before_the_gates(pods, eventually):
    never = {"readinessProbe": {"exec": {"command": ["false"]}}}
    pods.run(FOREVER, spec={"readinessGates": [{"conditionType": GATE}]}, **never)
    pods.runs()
    eventually(lambda: why_not_ready(pods) == ("ContainersNotReady", "containers with unready status: [main]"))


def test_a_pod_with_scheduling_gates_is_placed_when_the_last_one_goes(pods, eventually):
    made = pods.run(FOREVER, spec={"schedulingGates": [{"name": "a"}, {"name": "b"}]})
    gated = pods.condition("PodScheduled")
    assert (gated["status"], gated["reason"]) == ("False", "SchedulingGated")
    assert gated["message"] == "Scheduling is blocked due to non-empty scheduling gates"
    assert (made["status"]["phase"], made["spec"].get("nodeName")) == ("Pending", None)
    assert "SchedulingGated" in pods.kubectl("get", "pod", "one")
    pods.change("pods", "one", spec={"schedulingGates": [{"name": "b"}]})
    assert pods.pod()["spec"].get("nodeName") is None
    pods.change("pods", "one", spec={"schedulingGates": None})
    pods.phase("Running")
    eventually(lambda: pods.condition("PodScheduled")["status"] == "True")


def test_a_pod_that_is_not_placed_goes_at_once(pods):
    pods.run(FOREVER, spec={"schedulingGates": [{"name": "a"}]})
    assert pods.ground.ask("DELETE", f"{PODS}/one").status_code == 200
    assert pods.ground.ask("GET", f"{PODS}/one").status_code == 404


def test_gates_can_be_taken_from_a_pod_and_not_given_to_it(cluster, namespace):
    path = f"/api/v1/namespaces/{namespace}/pods"
    cluster.ask("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "default"}})
    main = {"name": "main", "image": "web:1"}
    spec = {"containers": [main], "automountServiceAccountToken": False, "schedulingGates": [{"name": "a"}]}
    assert cluster.ask("POST", path, {"metadata": {"name": "one"}, "spec": spec}).status_code == 201
    more = {"spec": {"schedulingGates": [{"name": "a"}, {"name": "b"}]}}
    answer = cluster.ask("PATCH", f"{path}/one", more, media="application/merge-patch+json")
    assert answer.status_code == 422
    cause = "spec.schedulingGates[1].name: Forbidden: only deletion is allowed, but found new scheduling gate 'b'"
    assert answer.json()["message"] == f'Pod "one" is invalid: {cause}'


@pytest.mark.parametrize(
    ("spec", "cause"),
    [
        (
            {"readinessGates": [{"conditionType": "a b"}]},
            f'spec.readinessGates[0].conditionType: Invalid value: "a b": {NOT_A_NAME}',
        ),
        ({"schedulingGates": [{"name": "a b"}]}, f'spec.schedulingGates[0]: Invalid value: "a b": {NOT_A_NAME}'),
        ({"schedulingGates": [{"name": "a"}, {"name": "a"}]}, 'spec.schedulingGates[1]: Duplicate value: "a"'),
        (
            {"schedulingGates": [{"name": "a"}], "nodeName": "n"},
            "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared",
        ),
    ],
)
def test_a_gate_that_nobody_could_open_is_refused(cluster, namespace, spec, cause):
    cluster.ask("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "default"}})
    whole = {"containers": [{"name": "main", "image": "web:1"}], "automountServiceAccountToken": False, **spec}
    body = {"metadata": {"name": "one"}, "spec": whole}
    answer = cluster.ask("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", body)
    assert answer.status_code == 422
    assert answer.json()["message"] == f'Pod "one" is invalid: {cause}'
