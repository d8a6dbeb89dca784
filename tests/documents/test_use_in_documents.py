"""What a document may say about what shows that a target is used."""

import pytest

from gate.documents.review import Severity, review
from tests.documents.test_loading import SUBSCRIPTION, WORKFLOW, catalogue, complaints
from tests.documents.test_probes_in_documents import with_probe

TARGET = "      target: {kind: Deployment, name: inventory}\n"
NAME = "answers"
USED = f"      used: {NAME}\n"


def using(probe: str, workflow: str = WORKFLOW) -> str:
    assert USED in workflow
    return workflow.replace(USED, f"      used: {probe}\n")


def warnings(workflow: str) -> list[str]:
    found = review(catalogue(SUBSCRIPTION, workflow))
    return [finding.why for finding in found if finding.severity is Severity.WARNING]


def test_a_step_says_which_probe_shows_that_its_target_is_used() -> None:
    found = catalogue(SUBSCRIPTION, using(NAME))
    (workflow,), problems = found.resolve(found.loaded.subscriptions[0])
    assert problems == ()
    assert [step.used for step in workflow.steps if step.target] == [NAME]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (using("nobody"), '.used: "nobody" is not one of the probes:'),
        (using(NAME[:-1]), f"did you mean {NAME}?"),
        (using(NAME, with_probe(when="[during, after]")), f'.used: "{NAME}" does not count before a fault; add before'),
    ],
)
def test_a_probe_that_cannot_show_it_is_a_mistake(text: str, complaint: str) -> None:
    said = complaints(text)
    assert any(complaint in line for line in said), said


def test_a_target_that_nothing_shows_to_be_used_is_pointed_out() -> None:
    unshown = WORKFLOW.replace(USED, "")
    (why,) = warnings(unshown)
    assert why == "nothing will show that inventory is used at all; name a probe that does in `used`"
    assert warnings(using(NAME)) == []
    assert warnings(unshown.replace(TARGET, "")) == []
