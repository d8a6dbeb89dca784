"""Experiments of Chaos Toolkit as somebody might write them, and what becomes of each thing in them."""

import json
from typing import Any

import pytest

from gate.importing.account import Outcome
from gate.importing.chaostoolkit.actions import FUNCTIONS as ACTIONS
from gate.importing.chaostoolkit.probes import FUNCTIONS as PROBES
from gate.importing.chaostoolkit.reading import import_chaostoolkit
from gate.importing.documents import Imported
from tests.importing.reviewing import errors_in

KILL = "chaosk8s.pod.actions.terminate_pods"


def calls(function: str, kind: str = "action", **arguments: Any) -> dict[str, Any]:
    module, _, name = function.rpartition(".")
    provider = {"type": "python", "module": module, "func": name, "arguments": arguments}
    return {"type": kind, "name": f"{kind} {name}", "provider": provider}


def kills(**arguments: Any) -> dict[str, Any]:
    return calls(KILL, label_selector="app=checkout", ns="shop", **arguments)


def asks(tolerance: Any = 200, **provider: Any) -> dict[str, Any]:
    http = {"type": "http", "url": "http://checkout.shop:8080/buy", **provider}
    return {"type": "probe", "name": "customers can buy", "tolerance": tolerance, "provider": http}


def experiment(*method: dict[str, Any], probes: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    hypothesis = {"title": "it sells", "probes": probes if probes is not None else [asks()]}
    return {
        "version": "1.0.0",
        "title": "Does it survive?",
        "description": "Perhaps.",
        "steady-state-hypothesis": hypothesis,
        "method": list(method or [kills()]),
        "rollbacks": [],
        **more,
    }


def imported(whole: dict[str, Any], **how: Any) -> Imported:
    found = import_chaostoolkit({"experiment.json": json.dumps(whole, **how).encode()})
    assert errors_in(found) == []
    return found


def spec(found: Imported, kind: str = "Workflow") -> dict[str, Any]:
    (one,) = [dict(each.spec) for each in found.documents if each.kind == kind]
    return one


def said(found: Imported, path: str) -> list[tuple[Outcome, str]]:
    return [(each.outcome, each.why) for each in found.entries if each.path.startswith(path)]


@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_an_experiment_becomes_a_workflow_and_a_subscription_however_it_is_indented(indent: Any) -> None:
    found = imported(experiment(), indent=indent)
    assert [(each.kind, each.name) for each in found.documents] == [
        ("Workflow", "does-it-survive"),
        ("Subscription", "does-it-survive"),
    ]
    assert spec(found, "Subscription")["workload"]["selector"] == {"matchLabels": {"app": "checkout"}}
    assert [step["fault"] for step in spec(found)["steps"]] == ["pod-kill"]


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [
        ({"grace_period": 0}, None),
        ({"grace_period": 5, "qty": 2}, {"count": 2, "grace": "5s"}),
        ({"mode": "percentage", "qty": 50}, {"percent": "50%", "grace": "30s"}),
        ({"all": True}, {"percent": "100%", "grace": "30s"}),
        ({"name_pattern": "^checkout-"}, {"grace": "30s"}),
    ],
)
def test_how_many_pods_and_how_hard_is_kept(arguments: dict[str, Any], settings: dict[str, Any] | None) -> None:
    (step,) = spec(imported(experiment(kills(**arguments))))["steps"]
    assert step.get("with") == settings


@pytest.mark.parametrize("function", sorted(ACTIONS))
def test_each_action_with_a_counterpart_becomes_a_step_that_lint_takes(function: str) -> None:
    arguments = {"name": "checkout", "ns": "shop", "replicas": 1, "label_selector": "app=checkout"}
    assert len(spec(imported(experiment(calls(function, **arguments))))["steps"]) == 1


@pytest.mark.parametrize("function", sorted(PROBES))
def test_each_probe_with_a_counterpart_is_asked(function: str) -> None:
    asked = calls(function, "probe", name="checkout", ns="shop", label_selector="app=checkout")
    (first,) = spec(imported(experiment(probes=[{**asked, "tolerance": 2}])))["steadyState"]
    assert "kubernetes" in first


@pytest.mark.parametrize(
    ("tolerance", "expect"),
    [
        (204, {"status": 204}),
        ([200, 201], {"status": [200, 201]}),
        (True, {"status": 200}),
        ({"type": "regex", "pattern": "sold", "target": "body"}, {"status": 200, "body": "sold"}),
        (
            {"type": "jsonpath", "path": "$.stock[0].left", "expect": [7], "target": "body"},
            {"status": 200, "json": [{"field": "stock[0].left", "equals": 7}]},
        ),
    ],
)
def test_what_a_tolerance_says_of_an_answer_is_kept(tolerance: Any, expect: dict[str, Any]) -> None:
    (first,) = spec(imported(experiment(probes=[asks(tolerance)])))["steadyState"]
    assert first["expect"] == expect


def test_what_is_sent_with_a_question_is_kept() -> None:
    question = asks(method="POST", headers={"Content-Type": "application/json"}, arguments={"a": 1}, timeout=[1, 2])
    (first,) = spec(imported(experiment(probes=[question])))["steadyState"]
    assert first["http"] == {
        "url": "http://checkout.shop:8080/buy",
        "method": "POST",
        "body": '{"a": 1}',
        "headers": {"Content-Type": "application/json"},
        "timeout": "3s",
    }


@pytest.mark.parametrize(
    "strange",
    [
        asks({"type": "probe", "provider": {}}),
        asks({"type": "jsonpath", "path": "$..a", "expect": [1]}),
        calls("os.path.exists", "probe", path="x"),
        {"type": "probe", "name": "p", "tolerance": 0, "provider": {"type": "process", "path": "ls"}},
        asks(url="${nobody_says}"),
    ],
)
def test_a_probe_that_cannot_be_asked_is_left_out_and_the_workload_is_looked_at(strange: dict[str, Any]) -> None:
    found = imported(experiment(probes=[strange]))
    assert [each["name"] for each in spec(found)["steadyState"]] == ["the workload is available"]
    assert [outcome for outcome, _ in said(found, "steady-state-hypothesis.probes[0]")] == [Outcome.LEFT_OUT]


@pytest.mark.parametrize("strategy", ["before-method-only", "during-method-only", "continuously", "default"])
def test_somebody_looks_before_and_after_whatever_the_strategy(strategy: str) -> None:
    found = imported(experiment(runtime={"hypothesis": {"strategy": strategy}}))
    when = {window for each in spec(found)["steadyState"] for window in each["when"]}
    assert {"before", "after"} <= when


def test_the_configuration_is_filled_in() -> None:
    settings = {"url": "http://checkout.shop", "label": {"type": "env", "key": "LABEL", "default": "app=checkout"}}
    whole = experiment(
        calls(KILL, label_selector="${label}", ns="shop"), probes=[asks(url="${url}/buy")], configuration=settings
    )
    found = imported(whole)
    assert spec(found)["steadyState"][0]["http"]["url"] == "http://checkout.shop/buy"
    assert spec(found, "Subscription")["workload"]["selector"]["matchLabels"] == {"app": "checkout"}


def test_a_pause_after_an_action_is_how_long_it_is_held() -> None:
    (step,) = spec(imported(experiment({**kills(), "pauses": {"after": 45}})))["steps"]
    assert step["hold"] == "45s"


def test_an_action_on_another_workload_names_it_as_its_target() -> None:
    found = imported(
        experiment(
            kills(), calls("chaosk8s.deployment.actions.scale_deployment", name="inventory", ns="shop", replicas=0)
        )
    )
    assert spec(found)["steps"][1]["target"] == {"kind": "Deployment", "namespace": "shop", "name": "inventory"}


def test_an_experiment_whose_actions_have_no_counterpart_gives_no_document_and_says_so() -> None:
    found = imported(experiment({"type": "action", "name": "a", "provider": {"type": "process", "path": "reboot"}}))
    assert found.documents == ()
    assert "chaos-gate new fault" in said(found, "method[0]")[0][1]


def test_rollbacks_secrets_and_controls_are_left_out_with_a_reason() -> None:
    found = imported(experiment(rollbacks=[kills()], secrets={"k": {"token": "x"}}, controls=[{"name": "c"}]))
    for key in ("rollbacks", "secrets", "controls"):
        assert [outcome for outcome, _ in said(found, key)] == [Outcome.LEFT_OUT]


@pytest.mark.parametrize("text", ["", "[]", "{", "title: [1]", "title: a\nmethod: [1]", "\x00"])
def test_what_is_no_experiment_is_refused_or_left_out_and_never_a_traceback(text: str) -> None:
    found = import_chaostoolkit({"experiment.yaml": text.encode()})
    assert found.documents == ()
    assert found.refused


def test_an_experiment_without_actions_gives_nothing() -> None:
    assert import_chaostoolkit({"e.yaml": b"title: nothing to do\n"}).documents == ()
