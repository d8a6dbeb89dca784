"""The identity of a workflow changes when what it does changes, and at nothing else."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gate.documents.canonical import identity_of
from gate.documents.catalogue import Catalogue
from gate.documents.loading import Loaded, load
from gate.model import Tolerance, Workflow
from tests.documents.test_loading import SUBSCRIPTION, WORKFLOW
from tests.documents.vocabularies import WORDS


def resolved(workflow: str) -> Workflow:
    loaded = Loaded.together(load(text.encode(), "f.yaml", WORDS) for text in (SUBSCRIPTION, workflow))
    catalogue = Catalogue(revision="", fetched=datetime.now(UTC), loaded=loaded, vocabulary=WORDS)
    (found,), _ = catalogue.resolve(loaded.subscriptions[0])
    return found


@pytest.mark.parametrize(
    ("written", "otherwise"),
    [
        ("failures: 1%, streak: 1s", "streak: 1000ms, failures: 1.0%"),
        ("recover: 1m30s", "recover: 90s"),
        ("    - name: dies\n", "    # mortal\n    - name: 'dies'\n"),
        ("  load:\n", "  baseline: 5s\n  load:\n"),
        ("parameters.patience", " parameters.patience "),
    ],
)
def test_how_it_is_written_changes_nothing(written: str, otherwise: str) -> None:
    assert written in WORKFLOW
    assert identity_of(resolved(WORKFLOW.replace(written, otherwise))) == identity_of(resolved(WORKFLOW))


@pytest.mark.parametrize(
    ("written", "otherwise"),
    [
        ("hold: 4s", "hold: 5s"),
        ("{count: 2}", "{count: 3}"),
        ("failures: 1%", "failures: 2%"),
        ("name: inventory", "name: stock"),
        ("rate: 20/s", "rate: 21/s"),
        ("every: 100ms", "every: 200ms"),
        ("name: dies", "name: dies again"),
    ],
)
def test_what_it_does_changes_it(written: str, otherwise: str) -> None:
    assert written in WORKFLOW
    assert identity_of(resolved(WORKFLOW.replace(written, otherwise))) != identity_of(resolved(WORKFLOW))


def test_a_field_at_its_default_is_as_if_it_were_not_there_yet() -> None:
    workflow = resolved(WORKFLOW)
    (probe,) = workflow.steady_state
    intolerant = replace(workflow, steady_state=(replace(probe, tolerate=Tolerance()),))
    spelt_out = replace(workflow, steady_state=(replace(probe, tolerate=Tolerance(failures=0, streak=None)),))
    assert identity_of(intolerant) == identity_of(spelt_out) != identity_of(workflow)
