"""Engines of Litmus as somebody might write them: each probe, fault and variable, and what becomes of it."""

from typing import Any

import pytest
import yaml

from gate.importing.account import Outcome
from gate.importing.documents import Imported
from gate.importing.litmus.faults import FAULTS, WITHOUT
from gate.importing.litmus.reading import import_litmus
from tests.importing.reviewing import errors_in

RUN = {"probeTimeout": "2s", "interval": "1s", "attempt": 1}
HTTP = {"url": "http://checkout.shop:8080/buy", "method": {"get": {"criteria": "==", "responseCode": "200"}}}


def probe(kind: str, inputs: dict[str, Any], *, mode: str = "Continuous", run: dict[str, Any] = RUN) -> dict[str, Any]:
    return {"name": "it answers", "type": kind, f"{kind}/inputs": inputs, "mode": mode, "runProperties": run}


def engine(fault: str = "pod-delete", *, probes: list[Any] | None = None, **env: str) -> dict[str, Any]:
    """An engine with one experiment."""
    variables = [{"name": name, "value": value} for name, value in env.items()]
    spec = {"components": {"env": variables}, **({"probe": probes} if probes else {})}
    return {
        "apiVersion": "litmuschaos.io/v1alpha1",
        "kind": "ChaosEngine",
        "metadata": {"name": "shop-chaos"},
        "spec": {
            "appinfo": {"appns": "shop", "applabel": "app=checkout", "appkind": "deployment"},
            "experiments": [{"name": fault, "spec": spec}],
        },
    }


def imported(*objects: dict[str, Any]) -> Imported:
    return import_litmus({"shop.yaml": yaml.safe_dump_all(objects).encode()})


def workflow(found: Imported) -> dict[str, Any]:
    assert errors_in(found) == []
    (spec,) = [dict(each.spec) for each in found.documents if each.kind == "Workflow"]
    return spec


def said(found: Imported, word: str) -> list[tuple[Outcome, str]]:
    return [(each.outcome, each.why) for each in found.entries if word in f"{each.path} {each.why}"]


def test_an_engine_becomes_a_workflow_and_a_subscription_of_its_workload() -> None:
    found = imported(engine(TOTAL_CHAOS_DURATION="20", CHAOS_INTERVAL="20"))
    assert workflow(found)["steps"] == [{"name": "pod-delete", "fault": "pod-kill", "hold": "20s", "recover": "3m"}]
    (subscription,) = [each for each in found.documents if each.kind == "Subscription"]
    assert subscription.spec["workload"]["selector"] == {"matchLabels": {"app": "checkout"}}
    assert subscription.spec["workflows"] == [{"name": "shop-chaos"}]


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_each_fault_with_a_counterpart_becomes_a_step_that_lint_takes(fault: str) -> None:
    spec = workflow(imported(engine(fault, probes=[probe("httpProbe", HTTP)])))
    assert [step["fault"] for step in spec["steps"]] == [FAULTS[fault].fault]


@pytest.mark.parametrize("fault", [*sorted(WITHOUT), "ec2-stop"])
def test_a_fault_without_a_counterpart_is_left_out_and_says_why(fault: str) -> None:
    found = imported(engine(fault))
    assert found.documents == ()
    assert [outcome for outcome, why in said(found, "no Workflow")] == [Outcome.LEFT_OUT]


def test_a_partition_without_a_probe_that_feels_it_is_left_out() -> None:
    found = imported(engine("pod-network-partition"))
    assert found.documents == ()
    assert "needs a probe that feels it" in said(found, "no Workflow")[0][1]


@pytest.mark.parametrize(
    ("mode", "when"),
    [
        ("SOT", ["before"]),
        ("EOT", ["after"]),
        ("Edge", ["before", "after"]),
        ("Continuous", ["before", "during", "after"]),
        ("OnChaos", ["during"]),
    ],
)
def test_the_mode_of_a_probe_says_when_it_counts_and_every_part_is_looked_at(mode: str, when: list[str]) -> None:
    first, *added = workflow(imported(engine(probes=[probe("httpProbe", HTTP, mode=mode)])))["steadyState"]
    assert first["when"] == when
    assert {"before", "after"} <= {*when, *(each for other in added for each in other["when"])}


@pytest.mark.parametrize(
    ("kind", "inputs", "expected"),
    [
        ("httpProbe", HTTP, {"status": 200}),
        (
            "httpProbe",
            {**HTTP, "method": {"get": {"criteria": "oneOf", "responseCode": "[200,404]"}}},
            {"status": [200, 404]},
        ),
        (
            "httpProbe",
            {**HTTP, "method": {"post": {"criteria": "==", "responseCode": "201", "body": "{}", "contentType": "a/b"}}},
            {"status": 201},
        ),
        (
            "promProbe",
            {"endpoint": "http://prometheus:9090", "query": "up", "comparator": {"criteria": ">=", "value": "1"}},
            {"atLeast": 1},
        ),
        (
            "cmdProbe",
            {
                "command": "queue length",
                "source": {"image": "shop/queue:1"},
                "comparator": {"type": "int", "criteria": "<", "value": "10"},
            },
            {"atMost": 9},
        ),
        (
            "cmdProbe",
            {
                "command": "queue state",
                "source": {"image": "shop/queue:1"},
                "comparator": {"type": "string", "criteria": "contains", "value": "is (up)"},
            },
            {"output": r"is\ \(up\)"},
        ),
        (
            "k8sProbe",
            {
                "version": "v1",
                "resource": "pods",
                "namespace": "shop",
                "labelSelector": "app=a",
                "operation": "present",
            },
            {"count": {"atLeast": 1}},
        ),
    ],
)
def test_what_a_probe_wants_to_hear_is_kept(kind: str, inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    first, *_ = workflow(imported(engine(probes=[probe(kind, inputs)])))["steadyState"]
    assert first["expect"] == expected


def test_an_answer_that_may_be_anything_but_one_is_every_other_status() -> None:
    inputs = {**HTTP, "method": {"get": {"criteria": "!=", "responseCode": "503"}}}
    first, *_ = workflow(imported(engine(probes=[probe("httpProbe", inputs)])))["steadyState"]
    assert 503 not in first["expect"]["status"]
    assert {"2xx", 502, 504} <= set(first["expect"]["status"])


@pytest.mark.parametrize(
    ("kind", "inputs", "why"),
    [
        (
            "cmdProbe",
            {"command": "ls", "comparator": {"type": "int", "criteria": "==", "value": "0"}},
            "experiment's own pod",
        ),
        ("k8sProbe", {"resource": "pods", "operation": "delete"}, "changes the cluster"),
        ("k8sProbe", {"resource": "persistentvolumeclaims", "operation": "present"}, "are not looked at here"),
        ("promProbe", {"endpoint": "http://p:9090", "queryPath": "/q"}, "is in a file"),
        ("sloProbe", {"sloIdentifier": "x"}, "is asked by nobody"),
    ],
)
def test_a_probe_that_cannot_be_asked_here_is_left_out_and_says_why(
    kind: str, inputs: dict[str, Any], why: str
) -> None:
    found = imported(engine(probes=[probe(kind, inputs)]))
    assert [each["name"] for each in workflow(found)["steadyState"]] == ["the workload is available"]
    assert Outcome.LEFT_OUT in {outcome for outcome, _ in said(found, why)}


@pytest.mark.parametrize(("attempts", "tolerate"), [(1, None), (2, {"streak": "0s"}), (5, {"streak": "3s"})])
def test_so_many_attempts_in_a_row_are_a_streak(attempts: int, tolerate: dict[str, str] | None) -> None:
    patient = probe("httpProbe", HTTP, run={**RUN, "attempt": attempts})
    first, *_ = workflow(imported(engine(probes=[patient])))["steadyState"]
    assert first.get("tolerate") == tolerate


def test_a_text_that_would_be_taken_for_a_parameter_is_not_taken_over() -> None:
    inputs = {
        "command": 'test "${HOME}"',
        "source": {"image": "shop/queue:1"},
        "comparator": {"type": "int", "criteria": "==", "value": "0"},
    }
    found = imported(engine(probes=[probe("cmdProbe", inputs)]))
    assert "the workload is available" in str(workflow(found)["steadyState"])


@pytest.mark.parametrize(
    ("env", "settings"),
    [
        ({"PODS_AFFECTED_PERC": "50"}, {"percent": "50%"}),
        ({"FORCE": "false"}, {"grace": "30s"}),
        ({"SEQUENCE": "serial", "CHAOS_INTERVAL": "7"}, {"sequence": "one-by-one", "every": "7s"}),
        ({"TARGET_PODS": "checkout-abc", "NODE_LABEL": "a=b", "LIB": "litmus"}, None),
    ],
)
def test_the_variables_of_pod_delete_become_settings_or_are_left_out(
    env: dict[str, str], settings: dict[str, str] | None
) -> None:
    (step,) = workflow(imported(engine(**env)))["steps"]
    assert step.get("with") == settings


def test_what_the_engine_leaves_open_its_experiment_says() -> None:
    experiment = {
        "apiVersion": "litmuschaos.io/v1alpha1",
        "kind": "ChaosExperiment",
        "metadata": {"name": "pod-delete"},
        "spec": {
            "definition": {"env": [{"name": "TOTAL_CHAOS_DURATION", "value": "44"}, {"name": "FORCE", "value": "true"}]}
        },
    }
    found = imported(engine(FORCE="false"), experiment)
    (step,) = workflow(found)["steps"]
    assert (step["hold"], step["with"]) == ("44s", {"grace": "30s"})
    assert (Outcome.LEFT_OUT, "ChaosEngine shop-chaos says FORCE itself") in said(found, "FORCE")


def test_two_experiments_of_one_engine_are_two_workflows_of_one_subscription() -> None:
    whole = engine()
    whole["spec"]["experiments"].append({"name": "pod-cpu-hog", "spec": {"components": {"env": []}}})
    found = imported(whole)
    assert errors_in(found) == []
    (subscription,) = [each for each in found.documents if each.kind == "Subscription"]
    assert [each["name"] for each in subscription.spec["workflows"]] == [
        "shop-chaos-pod-delete",
        "shop-chaos-pod-cpu-hog",
    ]


def test_two_engines_of_one_name_get_two_names() -> None:
    found = imported(engine(), engine())
    assert errors_in(found) == []
    assert [each.name for each in found.documents] == ["shop-chaos", "shop-chaos", "shop-chaos-2", "shop-chaos-2"]


def test_a_workload_may_be_named_as_newer_versions_do() -> None:
    whole = engine()
    whole["spec"]["appinfo"] = {}
    whole["spec"]["selectors"] = {"workloads": [{"kind": "statefulset", "namespace": "shop", "names": "orders"}]}
    found = imported(whole)
    assert errors_in(found) == []
    (subscription,) = [each for each in found.documents if each.kind == "Subscription"]
    assert subscription.spec["workload"] == {"kind": "StatefulSet", "namespace": "shop", "name": "orders"}


@pytest.mark.parametrize(
    "text", ["", "a: [", "\x00", "- 1", "kind: Pod", "kind: ChaosEngine", "kind: Workflow\nspec: []"]
)
def test_nothing_of_use_is_an_entry_or_a_refusal_and_never_a_traceback(text: str) -> None:
    found = import_litmus({"shop.yaml": text.encode()})
    assert found.documents == ()
    assert found.entries or found.refused or "kind" in text


def test_what_is_no_text_is_refused() -> None:
    (problem,) = import_litmus({"shop.yaml": b"\xff\xfe\x00"}).refused
    assert str(problem) == "shop.yaml:1: is not UTF-8"
