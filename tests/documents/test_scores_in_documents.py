"""What a document may say about the score: weights, critical probes, a threshold."""

import pytest

from tests.documents.test_loading import SUBSCRIPTION, WORKFLOW, catalogue, complaints
from tests.documents.test_probes_in_documents import probe_of, with_probe


def with_threshold(threshold: str) -> str:
    return WORKFLOW.replace("spec:\n", f"spec:\n  threshold: {threshold}\n", 1)


def test_a_probe_has_the_weight_of_one_and_is_not_critical_unless_it_says_so() -> None:
    assert (probe_of(WORKFLOW).weight, probe_of(WORKFLOW).critical) == (1, False)
    probe = probe_of(with_probe(weight="7", critical="true"))
    assert (probe.weight, probe.critical) == (7, True)


@pytest.mark.parametrize(("written", "percent"), [("80%", 80), ("1%", 1), ("100 %", 100), ("57%", 57), ("29%", 29)])
def test_a_threshold_is_a_whole_percentage(written: str, percent: int) -> None:
    found = catalogue(SUBSCRIPTION, with_threshold(written))
    (workflow,), _ = found.resolve(found.loaded.subscriptions[0])
    assert workflow.threshold == percent


def test_without_a_threshold_there_is_none() -> None:
    found = catalogue(SUBSCRIPTION, WORKFLOW)
    (workflow,), _ = found.resolve(found.loaded.subscriptions[0])
    assert workflow.threshold is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (with_threshold("80"), "spec.threshold: '80' is not a percentage; write it like 1%"),
        (with_threshold("0%"), "spec.threshold: '0%' is not a whole percentage from 1% to 100%"),
        (with_threshold("66.6%"), "spec.threshold: '66.6%' is not a whole percentage from 1% to 100%"),
        (with_threshold("101%"), "spec.threshold: '101%' is more than 100%"),
        (with_probe(weight="0"), "steadyState[0].weight: Input should be greater than or equal to 1"),
        (with_probe(weight="101"), "steadyState[0].weight: Input should be less than or equal to 100"),
        (with_probe(weight="1.5"), "steadyState[0].weight: "),
        (with_probe(critical="sometimes"), "steadyState[0].critical: "),
    ],
)
def test_a_score_that_means_nothing_is_a_mistake(text: str, complaint: str) -> None:
    said = complaints(text)
    assert any(complaint in line for line in said), said
