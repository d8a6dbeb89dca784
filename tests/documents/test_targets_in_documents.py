"""What a document may say about pods that are replaced while a fault is held."""

import pytest

from gate.model import Targets
from tests.documents.test_loading import SUBSCRIPTION, WORKFLOW, catalogue, complaints

OWN = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Fault
metadata: {name: lights-out}
spec:
  scale-to-zero: {}
"""


def with_targets(word: str, workflow: str = WORKFLOW) -> str:
    assert "      hold: 4s\n" in workflow
    return workflow.replace("      hold: 4s\n", f"      hold: 4s\n      targets: {word}\n")


@pytest.mark.parametrize("word", Targets)
def test_a_step_says_whether_its_targets_are_followed(word: Targets) -> None:
    found = catalogue(SUBSCRIPTION, with_targets(str(word)))
    (workflow,), problems = found.resolve(found.loaded.subscriptions[0])
    assert problems == ()
    assert [step.targets for step in workflow.steps] == [word]


def test_targets_are_fixed_unless_it_is_said() -> None:
    found = catalogue(SUBSCRIPTION, WORKFLOW)
    (workflow,), _ = found.resolve(found.loaded.subscriptions[0])
    assert [step.targets for step in workflow.steps] == [Targets.FIXED]


def test_another_word_is_a_mistake_with_its_line() -> None:
    (said,) = complaints(with_targets("chase"))
    assert said == 'file0.yaml:21: spec.steps[0].targets: "chase" is not one of fixed, follow'


NOT_PODS = WORKFLOW.replace("fault: pod-kill", "fault: scale-to-zero").replace("      with: {count: 2}\n", "")


@pytest.mark.parametrize(
    "texts",
    [
        (with_targets("follow", NOT_PODS),),
        (with_targets("follow", NOT_PODS.replace("scale-to-zero", "lights-out")), OWN),
    ],
)
def test_a_fault_that_does_not_hit_pods_cannot_follow_them(texts: tuple[str, ...]) -> None:
    found = catalogue(*texts)
    said = [str(problem) for problem in found.linked.problems]
    assert any("scale-to-zero does not hit pods that could be followed; leave it out" in each for each in said), said
    assert not any("could be followed" in each for each in complaints(with_targets("fixed", NOT_PODS)))
