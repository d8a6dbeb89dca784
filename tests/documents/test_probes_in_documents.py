"""What a document may say about when a probe counts and what it tolerates, and what becomes of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gate.documents.blocks import Expectation
from gate.documents.loading import load
from gate.documents.review import Severity, review
from gate.documents.vocabulary import ProbeForms
from gate.model import Probe, Tolerance, Window
from tests.documents.test_loading import SUBSCRIPTION, WORKFLOW, catalogue, complaints
from tests.documents.vocabularies import WORDS, HttpSettings

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


@pytest.mark.parametrize(
    ("said", "tolerance"),
    [
        ("{p95: 300ms}", Tolerance(failures=1.0, p95=timedelta(milliseconds=300))),
        ("{p95: 300ms, failures: 1%}", Tolerance(failures=0.01, p95=timedelta(milliseconds=300))),
        ("{}", Tolerance()),
    ],
)
def test_what_is_not_said_does_not_limit_once_anything_is(said: str, tolerance: Tolerance) -> None:
    assert probe_of(WORKFLOW.replace("{failures: 1%, streak: 1s}", said)).tolerate == tolerance


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ("{p95: 0s}", "tolerate.p95: must be more than 0s"),
        ("{atLeast: 1}", "tolerate.atLeast: bounds a number, but this http probe gives none"),
        ("{atMost: 1}", "tolerate.atMost: bounds a number, but this http probe gives none"),
        ("{atLeast: nan}", "tolerate.atLeast: Input should be a finite number"),
        ("{atLeast: 2, atMost: 1}", "tolerate: atLeast 2 is more than atMost 1"),
    ],
)
def test_a_tolerance_that_cannot_be_kept_is_a_mistake(said: str, complaint: str) -> None:
    said_of_it = complaints(WORKFLOW.replace("{failures: 1%, streak: 1s}", said))
    assert any(complaint in line for line in said_of_it), said_of_it


def test_a_number_is_bounded_where_the_probe_gives_one() -> None:
    class Counted(Expectation):
        latency: str

        @property
        def gives_number(self) -> bool:
            return True

    words = replace(WORDS, probes={"http": ProbeForms(settings=HttpSettings, expect=Counted)})
    bounded = WORKFLOW.replace("{failures: 1%, streak: 1s}", "{atLeast: 1}")
    assert load(bounded.encode(), "f.yaml", words).problems == ()
    assert load(bounded.encode(), "f.yaml", WORDS).problems != ()
