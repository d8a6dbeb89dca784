"""Workflows that nobody should have written: each is refused in one line that says where, and what would be right."""

from time import process_time

import pytest

from gate.documents.workflows import MOST_STEPS
from tests.documents.test_loading import SUBSCRIPTION, WORKFLOW, catalogue, complaints

STEP = "    - {{name: step {number}, fault: pod-kill, hold: 4s, recover: 5s}}\n"
STEPS = WORKFLOW[: WORKFLOW.index("    - name: dies")]


def with_steps(count: int, repeat: str = "") -> str:
    steps = "".join(STEP.format(number=number) for number in range(count))
    return (STEPS + steps).replace("spec:\n", f"spec:\n{repeat}", 1)


@pytest.mark.parametrize(
    ("was", "becomes", "line"),
    [
        ("      recover: 1m30s\n", "", "spec.steps[0].recover: is missing"),
        ("recover: 1m30s", "recover: 0s", "spec.steps[0].recover: "),
        ("recover: 1m30s", "recover: -5s", "spec.steps[0].recover: "),
        ("hold: 4s", "hold: [4s]", "spec.steps[0].hold: "),
        ("{count: 2}", '{count: "two"}', "spec.steps[0].with.count: "),
        ("every: 100ms", "every: 0s", "spec.steadyState[0].every: "),
        ("{default: 1s}", "{default: {of: 1s}}", "spec.steadyState[0].expect.latency: "),
    ],
)
def test_what_is_missing_or_of_the_wrong_type_is_refused_in_one_line(was: str, becomes: str, line: str) -> None:
    assert was in WORKFLOW
    said = complaints(WORKFLOW.replace(was, becomes))
    assert len([each for each in said if line in each]) == 1, said
    assert not any("\n" in each for each in said)


@pytest.mark.parametrize("value", ["soon", "5", "[400ms]", "-1s"])
def test_a_parameter_of_the_wrong_type_is_refused_where_it_is_given_or_used(value: str) -> None:
    found = catalogue(SUBSCRIPTION.replace("400ms", value), WORKFLOW)
    (problem,) = found.linked.problems or found.resolve(found.loaded.subscriptions[0])[1]
    assert "\n" not in str(problem)
    assert any(place in str(problem) for place in ("steadyState[0].expect.latency", "parameters.patience")), problem


def test_two_steps_of_one_name_contradict_each_other_and_the_second_one_is_told() -> None:
    (said,) = complaints(WORKFLOW + WORKFLOW[WORKFLOW.index("    - name: dies") :])
    assert said == 'file0.yaml:23: spec.steps[1].name: there is another one called "dies" before it'


def test_as_many_steps_as_a_run_can_keep_a_record_of_are_allowed() -> None:
    assert complaints(with_steps(MOST_STEPS)) == []
    assert complaints(with_steps(MOST_STEPS // 10, "  repeat: {times: 10}\n")) == []


@pytest.mark.parametrize(
    ("steps", "repeat", "counted"),
    [
        (1000, "", "1000 steps"),
        (101, "", "101 steps"),
        (11, "  repeat: {times: 10}\n", "110 steps, repetitions counted"),
    ],
)
def test_more_steps_than_that_are_refused_before_anything_is_done(steps: int, repeat: str, counted: str) -> None:
    began = process_time()
    (said,) = complaints(with_steps(steps, repeat))
    assert said.endswith(f"spec.steps: {counted}, a run keeps a record of 100 at most; make it several workflows")
    assert process_time() - began < 10


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ("a: &a [1, *a]", "1:11", "*a refers to what it stands in, which would never end"),
        ("a: &a\n  b: &b {c: *a}", "2:13", "*a refers to what it stands in, which would never end"),
    ],
)
def test_an_alias_for_what_it_stands_in_is_refused_in_one_line(text: str, place: str, why: str) -> None:
    (problem,) = catalogue(text).loaded.problems
    assert f"{problem.place.line}:{problem.place.column}" == place
    assert problem.why == f"this cannot be read as YAML: {why}"


def test_an_anchor_may_have_the_name_of_one_that_is_whole() -> None:
    assert complaints(WORKFLOW.replace("hold: 4s", "hold: &a 4s") + "# &a *a\n") == []


@pytest.mark.parametrize("default", ["${parameters.other}", "${parameters.patience}"])
def test_parameters_cannot_refer_to_each_other_or_to_themselves(default: str) -> None:
    circle = WORKFLOW.replace("{default: 1s}", f'{{default: "{default}"}}')
    assert circle != WORKFLOW
    said = complaints(circle)
    assert any(f'"{default[2:-1]}" is not one of the names that can be filled in' in each for each in said), said
    assert not any("\n" in each for each in said)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (SUBSCRIPTION, "two subscriptions are called checkout: file0.yaml:7 and file1.yaml:7"),
        (WORKFLOW, "two workflows have this name: file0.yaml:1 and file1.yaml:1"),
    ],
)
def test_two_documents_of_one_name_are_none_and_both_places_are_said(document: str, said: str) -> None:
    found = catalogue(document, document, WORKFLOW if document == SUBSCRIPTION else SUBSCRIPTION)
    problems = [str(each) for each in found.resolve(found.loaded.subscriptions[0])[1]]
    assert [each for each in problems if said in each], problems
    assert not any("\n" in each for each in problems)
