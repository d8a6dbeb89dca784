"""True verdicts: sound services are let through and weak ones held back. All of them: `make bench-truth`."""

from pathlib import Path

import pytest
import yaml

from gate.documents.loading import load
from gate.model import Reason, Verdict
from gate.wire.vocabulary import vocabulary
from tests.corpus.cases import FAULTS, ON_THE_WIRE, VARIANTS, Case, cases
from tests.corpus.playing import play

SOME = ("sigterm-drops", "slow-recovery", "stale-connection")
"""One for each fault that needs no proxy. They are played at the same time."""
WEAKNESSES = {Reason.PROBE_FAILED, Reason.RECOVERY_TOO_SLOW}


@pytest.mark.truth
def test_sound_services_pass_and_weak_ones_fail_for_their_weakness(tmp_path: Path) -> None:
    chosen = [cases()[name] for name in SOME]
    told = play(chosen, tmp_path)
    truth = {(case.name, variant): case.truth(variant) for case in chosen for variant in VARIANTS}
    wrong = [(played, each) for played, each in told.items() if each.verdict is not truth[played]]
    assert not wrong, "\n".join(f"{played}: {each}" for played, each in wrong)
    assert told.keys() == truth.keys()
    for each in told.values():
        assert each.reason in (WEAKNESSES if each.verdict is Verdict.FAILED else {None}), each


def test_the_services_that_are_played_have_one_of_each_fault() -> None:
    assert {cases()[name].said["fault"]["kind"] for name in SOME} == FAULTS.keys() - ON_THE_WIRE.keys()


def test_every_case_of_the_corpus_can_be_played() -> None:
    assert [case.name for case in cases().values() if not case.is_playable] == []


@pytest.mark.parametrize("case", [case for case in cases().values() if case.is_playable], ids=lambda case: case.name)
def test_each_case_becomes_documents_without_a_mistake(case: Case) -> None:
    for document in (case.workflow(), *map(case.subscription, VARIANTS)):
        loaded = load(yaml.safe_dump(document).encode(), case.name, vocabulary())
        assert (loaded.documents, loaded.problems) == (1, ())
