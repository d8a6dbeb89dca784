"""What a document may say about when a probe counts and what it tolerates, and what becomes of it."""

import pytest

from gate.documents.review import Severity, review
from gate.model import Probe, Window
from tests.documents.test_loading import SUBSCRIPTION, WORKFLOW, catalogue, complaints

PROBE = "      every: 100ms\n"


def with_probe(**fields: str) -> str:
    """The workflow, whose one probe has these fields too."""
    assert PROBE in WORKFLOW
    return WORKFLOW.replace(PROBE, PROBE + "".join(f"      {name}: {value}\n" for name, value in fields.items()))


def probe_of(text: str) -> Probe:
    found = catalogue(SUBSCRIPTION, text)
    (workflow,), _ = found.resolve(found.loaded.subscriptions[0])
    return workflow.steady_state[0]


def findings(text: str) -> list[tuple[Severity, str]]:
    return [(each.severity, each.why) for each in review(catalogue(SUBSCRIPTION, text))]


def test_a_probe_counts_everywhere_unless_it_says_where() -> None:
    assert probe_of(WORKFLOW).when == tuple(Window)
    assert probe_of(with_probe(when="[after, before, after]")).when == (Window.BEFORE, Window.AFTER)


@pytest.mark.parametrize(
    ("when", "complaint"),
    [
        ("[]", "steadyState[0].when: a probe that counts nowhere is of no use; say some of before, during, after"),
        ("[durring]", '"durring" is not one of before, during, after; did you mean during?'),
        ("during", "steadyState[0].when: must be a list"),
        ("[during, after]", "spec.steadyState: no probe counts before a fault: nothing would show"),
        ("[before, during]", "spec.steadyState: no probe counts after a fault: nobody could see it recover"),
    ],
)
def test_probes_that_would_prove_nothing_are_a_mistake(when: str, complaint: str) -> None:
    said = complaints(with_probe(when=when))
    assert any(complaint in line for line in said), said


def test_to_judge_the_recovery_only_is_a_choice_that_is_pointed_out() -> None:
    assert findings(with_probe(when="[before, after]")) == [
        (Severity.WARNING, "no probe counts during a fault: only the recovery is judged")
    ]


def test_a_probe_needs_a_sample_only_where_it_counts() -> None:
    seldom = with_probe(when="[before, after]").replace("every: 100ms", "every: 4500ms")
    assert [each for each in findings(seldom) if each[0] is Severity.ERROR] == []
    everywhere = WORKFLOW.replace("every: 100ms", "every: 4500ms")
    assert (Severity.ERROR, "asked every 4.5s, it has no sample in a window of 4s") in findings(everywhere)
