"""What a document may say about repetitions, and the steps that it becomes."""

import pytest

from gate.documents.review import Severity, review
from gate.model import Repeat, Workflow
from tests.documents.test_loading import SUBSCRIPTION, WORKFLOW, catalogue, complaints


def repeated(how: str, workflow: str = WORKFLOW) -> str:
    return workflow.replace("spec:\n", f"spec:\n  repeat: {how}\n", 1)


def workflow_of(text: str) -> Workflow:
    found = catalogue(SUBSCRIPTION, text)
    (workflow,), problems = found.resolve(found.loaded.subscriptions[0])
    assert problems == ()
    return workflow


def test_each_repetition_has_steps_of_its_own_that_are_told_apart() -> None:
    once, thrice = workflow_of(WORKFLOW), workflow_of(repeated("{times: 3, pass: 2}"))
    names = [step.name for step in once.steps]
    assert [step.name for step in thrice.steps] == [f"{name} ({n} of 3)" for n in (1, 2, 3) for name in names]
    assert [step.repetition for step in thrice.steps] == [n for n in (1, 2, 3) for _ in names]
    assert thrice.repeat == Repeat(times=3, passes=2)
    assert (once.repeat, {step.repetition for step in once.steps}) == (None, {1})


def test_all_repetitions_have_to_pass_unless_it_says_less() -> None:
    assert workflow_of(repeated("{times: 4}")).repeat == Repeat(times=4, passes=4)


@pytest.mark.parametrize(
    ("how", "complaint"),
    [
        ("{times: 1}", "spec.repeat.times: Input should be greater than or equal to 2"),
        ("{times: 11}", "spec.repeat.times: Input should be less than or equal to 10"),
        ("{pass: 1}", "spec.repeat.times: is missing"),
        ("{times: 3, pass: 0}", "spec.repeat.pass: Input should be greater than or equal to 1"),
        ("{times: 3, pass: 4}", "spec.repeat: 4 of 3 repetitions cannot pass"),
        ("{times: 3, passes: 2}", "did you mean pass?"),
        ("3", "spec.repeat: "),
    ],
)
def test_repetitions_that_cannot_be_are_a_mistake(how: str, complaint: str) -> None:
    said = complaints(repeated(how))
    assert any(complaint in line for line in said), said


def test_a_step_may_not_be_called_like_a_repetition_of_another_one() -> None:
    name = workflow_of(WORKFLOW).steps[0].name
    text = WORKFLOW + f"    - {{name: {name} (2 of 3), fault: pod-kill, hold: 4s, recover: 5s}}\n"
    said = complaints(repeated("{times: 3}", text))
    assert any("is what a repetition of another step is called; use another name" in line for line in said), said


def test_the_time_of_all_repetitions_counts_against_the_deadline() -> None:
    subscription = SUBSCRIPTION.replace("spec:\n", "spec:\n  deadline: 2m\n", 1)

    def errors(workflow: str) -> list[str]:
        findings = review(catalogue(subscription, workflow))
        return [finding.why for finding in findings if finding.severity is Severity.ERROR]

    assert errors(WORKFLOW) == []
    (why,) = errors(repeated("{times: 10}"))
    assert "the deadline is 2m" in why
