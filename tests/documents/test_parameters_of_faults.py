"""Faults of one's own declare what steps may give: it is filled in where its reference stands, and becomes no code."""

from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.documents.interpreted import would_be_code
from gate.documents.loading import load
from gate.documents.own_faults import OwnFault
from gate.documents.review import Severity, review
from gate.wire.vocabulary import vocabulary
from tests.documents.test_loading import SUBSCRIPTION, WORKFLOW, catalogue

FAULT = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Fault
metadata: {name: full-queue}
spec:
  parameters:
    topic: {description: what is filled}
    release: {default: "3"}
    host: {default: "queue.${workload.namespace}"}
  job:
    image: registry.shop/queue:${parameters.release}
    inject: [fill, "--host=${parameters.host}", "${parameters.topic}", "${TOPIC}"]
    revert: [sh, -c, 'drain "${TOPIC}" "${HOST%.*}"']
    env: {TOPIC: "${parameters.topic}"}
"""
KILL = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Fault
metadata: {name: gentle-kill}
spec:
  parameters:
    patience: {default: 5s}
    pods: {}
  pod-kill: {grace: "${parameters.patience}", count: "${parameters.pods}"}
"""
USING = WORKFLOW.replace("fault: pod-kill", "fault: gentle-kill").replace("{count: 2}", "{pods: 2}")


@cache
def fault(text: str = FAULT) -> OwnFault:
    loaded = load(text.encode(), "fault.yaml", vocabulary())
    assert loaded.problems == ()
    (found,) = loaded.faults
    return found


def complaints(text: str) -> list[str]:
    return [str(problem) for problem in load(text.encode(), "fault.yaml", vocabulary()).problems]


def filled(**given: Any) -> dict[str, Any]:
    settings, unknown = fault().with_added(given, {"workload.namespace": "shop"})
    assert unknown == []
    return dict(settings)


def errors(workflow: str) -> list[str]:
    findings = review(catalogue(SUBSCRIPTION, workflow, KILL))
    return [f"{each.place}: {each.path}: {each.why}" for each in findings if each.severity is Severity.ERROR]


def test_a_parameter_is_filled_in_and_what_is_for_the_shell_is_left_to_it() -> None:
    assert filled(topic="orders") == {
        "image": "registry.shop/queue:3",
        "inject": ["fill", "--host=queue.shop", "orders", "${TOPIC}"],
        "revert": ["sh", "-c", 'drain "${TOPIC}" "${HOST%.*}"'],
        "env": {"TOPIC": "orders"},
    }


def test_a_step_gives_parameters_beside_settings_that_are_open() -> None:
    said = filled(topic="orders", release="4", count=2)
    assert (said["image"], said["count"]) == ("registry.shop/queue:4", 2)
    assert "topic" not in said
    assert "release" not in said


@given(value=st.text() | st.sampled_from(["a b", "'; reboot #", "$(reboot)", "a\nb", "${parameters.host}", "-x", "*"]))
def test_whatever_is_given_stays_within_its_word_and_is_not_looked_at_again(value: str) -> None:
    said = filled(topic=value, host=value)
    assert said["inject"] == ["fill", f"--host={value}", value, "${TOPIC}"]
    assert said["revert"] == fault().settings["revert"]


def test_a_value_keeps_its_type_where_it_is_all_that_stands_there() -> None:
    found = catalogue(SUBSCRIPTION, USING, KILL)
    (workflow,), problems = found.resolve(found.loaded.subscriptions[0])
    assert problems == ()
    assert (workflow.steps[0].fault, workflow.steps[0].settings) == ("pod-kill", {"grace": "5s", "count": 2})
    assert errors(USING) == []


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        (
            "{pods: 2}",
            "{pots: 2, pods: 2}",
            'with.pots: there is no field "pots"; did you mean pods?',
        ),
        ("{pods: 2}", "{patience: 2s}", "with.pods: is missing: the fault gentle-kill needs this parameter"),
        ("      with: {pods: 2}\n", "", "with.pods: is missing: the fault gentle-kill needs this parameter"),
        ("{pods: 2}", "{pods: many}", "with.pods: Input should be a valid integer, unable to parse string"),
        ("{pods: 2}", "{pods: [2, 3]}", "with.pods: Input should be a valid integer, not a list"),
        ("{pods: 2}", "{pods: 2, patience: 4}", "with.patience: '4' is not a duration; write 4s for seconds"),
        ("{pods: 2}", "{pods: 2.00}", "with.pods: 2.00 without quotes is the number 2.0; put it in quotes"),
        ("{pods: 2}", "{pods: 2, count: 3}", "with.count: the fault gentle-kill says this already, at file2.yaml:1"),
    ],
)
def test_a_mistake_of_a_step_is_said_where_the_step_says_it(right: str, wrong: str, complaint: str) -> None:
    assert right in USING
    said = [each for each in errors(USING.replace(right, wrong)) if each.startswith("file1.yaml:")]
    assert len(said) == 1, said
    assert complaint in said[0]


def test_a_step_may_give_what_only_a_subscription_says() -> None:
    open_to_all = USING.replace("{pods: 2}", '{pods: "${parameters.pods}"}').replace(
        "    patience: {default: 1s}\n", "    patience: {default: 1s}\n    pods: {}\n"
    )
    subscribed = SUBSCRIPTION.replace("{patience: 400ms}", "{patience: 400ms, pods: 3}")
    found = catalogue(subscribed, open_to_all, KILL)
    (workflow,), problems = found.resolve(found.loaded.subscriptions[0])
    assert problems == ()
    assert workflow.steps[0].settings["count"] == 3
    assert found.linked.problems == ()


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("queue:${parameters.release}", "queue:${parameters.relaese}", "did you mean parameters.release?"),
        ("queue:${parameters.release}", "queue:${paramters.release}", "did you mean parameters.release?"),
        ("queue:${parameters.release}", "queue:${parameters.release", "has a reference that is none"),
        ("queue:${parameters.release}", "queue:3", "spec.parameters.release: this parameter is not used anywhere"),
        ('{default: "3"}', '{defualt: "3"}', 'there is no field "defualt"; did you mean default?'),
        ('{default: "3"}', "{default: 3.10}", "3.10 without quotes is the number 3.1"),
        ('{default: "3"}', "{default: [3]}", "${parameters.release} is a list and stands within text"),
        ("${workload.namespace}", "${workload.namespaec}", "did you mean workload.namespace?"),
        ("    release:", "    image: {}\n    release:", "spec.parameters.image: job has a field of this name"),
        ("  parameters:", "  parameter:", "did you mean parameters?"),
        ('drain "${TOPIC}"', "drain ${parameters.topic}", "spec.job.revert[2]: a parameter here would be code for sh"),
    ],
)
def test_a_mistake_about_parameters_is_said_in_the_fault(right: str, wrong: str, complaint: str) -> None:
    assert right in FAULT
    said = complaints(FAULT.replace(right, wrong))
    assert any(complaint in each for each in said), said


def test_what_many_references_to_a_long_value_make_is_bounded() -> None:
    words = ", ".join(['"${parameters.topic}"'] * 100)
    found = fault(FAULT.replace("inject: [fill", f"inject: [fill, {words}"))
    settings, unknown = found.with_added({"topic": "x" * 60_000}, {"workload.namespace": "shop"})
    assert sum(map(len, settings["inject"])) < 1_100_000
    assert "too much is filled in" in unknown[0][1]


PARAMETER = "${parameters.it}"


@pytest.mark.parametrize(
    "words",
    [
        ["sh", "-c", PARAMETER],
        ["/bin/bash", "-euc", f"fill {PARAMETER}"],
        ["/usr/bin/env", "bash", "-o", "pipefail", "-c", f"fill '{PARAMETER}'"],
        ["sh", "-c", "-e", PARAMETER],
        ["bash", "-c", "-o", "pipefail", PARAMETER],
        ["busybox", "sh", "-c", PARAMETER],
        ["python3.12", "-X", "dev", "-c", f"print('{PARAMETER}')"],
        ["perl", f"-e{PARAMETER}"],
        ["node", f"--eval={PARAMETER}"],
        [PARAMETER, "-c", PARAMETER],
    ],
)
def test_a_parameter_in_code_is_a_mistake(words: list[str]) -> None:
    assert list(would_be_code({"inject": words}))


@pytest.mark.parametrize(
    "words",
    [
        [PARAMETER],
        ["fill", "-c", PARAMETER],
        ["sh", "-c", 'fill "$1"', "sh", PARAMETER],
        ["sh", "-c", "-x", 'fill "$1"', "sh", PARAMETER],
        ["sh", "-e", "fill.sh", PARAMETER],
        ["python3", "fill.py", "-c", PARAMETER],
        ["sh", "-c", 'fill "${TOPIC}"'],
    ],
)
def test_a_parameter_beside_code_is_none(words: list[str]) -> None:
    assert list(would_be_code({"inject": words})) == []
