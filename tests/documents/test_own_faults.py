"""Faults with a name of their own: said once in a document, used by steps, and never guessed."""

import pytest

from gate.documents.loading import load
from gate.documents.review import Severity, review
from gate.wire.vocabulary import vocabulary
from tests.documents.test_loading import SUBSCRIPTION, WORKFLOW, catalogue

FAULT = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Fault
metadata: {name: gentle-kill}
spec:
  pod-kill:
    grace: 5s
"""
USING = WORKFLOW.replace("fault: pod-kill", "fault: gentle-kill")


def errors(*texts: str) -> list[str]:
    findings = review(catalogue(*texts))
    return [f"{each.place}: {each.path}: {each.why}" for each in findings if each.severity is Severity.ERROR]


def warnings(*texts: str) -> list[str]:
    return [each.why for each in review(catalogue(*texts)) if each.severity is Severity.WARNING]


def test_a_step_gets_the_kind_and_the_settings_of_its_fault_and_adds_its_own() -> None:
    found = catalogue(SUBSCRIPTION, USING, FAULT)
    (workflow,), problems = found.resolve(found.loaded.subscriptions[0])
    assert problems == ()
    (step,) = workflow.steps
    assert (step.fault, step.settings) == ("pod-kill", {"grace": "5s", "count": 2})
    assert (errors(SUBSCRIPTION, USING, FAULT), warnings(SUBSCRIPTION, USING, FAULT)) == ([], [])


def test_what_a_shell_would_fill_in_is_left_to_it() -> None:
    text = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Fault
metadata: {name: full-queue}
spec:
  job:
    image: queue:1
    inject: [sh, -c, 'fill "${TOPIC}"']
    revert: [drain]
"""
    (fault,) = load(text.encode(), "full-queue.yaml", vocabulary()).faults
    assert (fault.kind, fault.settings["inject"]) == ("job", ["sh", "-c", 'fill "${TOPIC}"'])


def test_a_fault_that_no_document_has_breaks_the_workflow_and_its_subscription() -> None:
    subscribed, written = errors(SUBSCRIPTION, USING.replace("gentle-kill", "gentle-kil"), FAULT)
    why = '"gentle-kil" is not one of the faults: pod-kill, scale-to-zero, gentle-kill; did you mean gentle-kill?'
    assert written == f"file1.yaml:17: spec.steps[0].fault: {why}"
    assert why in subscribed
    found = catalogue(SUBSCRIPTION, USING)
    workflows, problems = found.resolve(found.loaded.subscriptions[0])
    assert workflows == ()
    assert '"gentle-kill" is not one of the faults' in str(problems[0])


def test_a_step_cannot_say_again_what_its_fault_says() -> None:
    said = errors(SUBSCRIPTION, USING, FAULT.replace("grace: 5s", "count: 3"))
    assert "file1.yaml:19: spec.steps[0].with.count: the fault gentle-kill says this already, at file2.yaml:1" in said


def test_what_a_step_adds_has_to_fit() -> None:
    said = errors(SUBSCRIPTION, USING.replace("{count: 2}", "{cuont: 2}"), FAULT)
    assert any("spec.steps[0].with.cuont" in each and "did you mean count" in each for each in said), said


def test_two_faults_of_one_name_are_none() -> None:
    said = errors(SUBSCRIPTION, USING, FAULT, FAULT)
    assert any("two faults have this name: file2.yaml:1 and file3.yaml:1" in each for each in said)
    assert "file3.yaml:3: metadata.name: another fault is called gentle-kill, at file2.yaml:3" in said


def test_a_fault_that_nobody_uses_is_a_warning() -> None:
    assert warnings(SUBSCRIPTION, WORKFLOW, FAULT) == ["no workflow uses this"]


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("pod-kill:", "pod-kil:", 'file0.yaml:5: spec.pod-kil: "pod-kil" is not a kind of fault or a field: pod-kill'),
        ("grace: 5s", "grace: 5", "file0.yaml:6: spec.pod-kill.grace: '5' is not a duration; write 5s for seconds"),
        ("grace: 5s", "grave: 5s", "did you mean grace?"),
        ("gentle-kill", "pod-kill", "file0.yaml:3: metadata.name: pod-kill is a kind of fault; give this one another"),
        ("  pod-kill:\n    grace: 5s", "  {}", "must have one block"),
        ("grace: 5s", "grace: 5s\n  scale-to-zero: {}", "must have one block"),
        ("name: gentle-kill", "name: Gentle Kill", "does not look like"),
    ],
)
def test_a_mistake_in_a_fault_is_said_with_its_place(right: str, wrong: str, complaint: str) -> None:
    assert right in FAULT
    said = [str(problem) for problem in catalogue(FAULT.replace(right, wrong)).loaded.problems]
    assert any(complaint in each for each in said), said
