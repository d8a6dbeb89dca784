"""No file costs the gate more than two seconds of a processor, or 200 MB, whatever its author had in mind."""

import subprocess
import sys
from pathlib import Path
from time import process_time

import pytest

from gate.documents.loading import LARGEST, load
from tests.documents.costly import COSTLY, WORKFLOW, read
from tests.documents.vocabularies import WORDS

PROJECT = Path(__file__).parents[2]
SECONDS, MEGABYTES = 2.0, 200.0


@pytest.mark.parametrize("case", COSTLY)
def test_a_file_that_is_made_to_cost_much_is_refused_in_time(case: str) -> None:
    text = COSTLY[case]()
    assert len(text) <= LARGEST
    began = process_time()
    assert read(text) > 0
    assert process_time() - began < SECONDS


def test_all_of_them_together_fit_into_little_memory() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.documents.costly"], check=True, cwd=PROJECT, capture_output=True, text=True
    )
    slowest, memory = map(float, done.stdout.split())
    assert slowest < SECONDS
    assert memory < MEGABYTES


def test_a_document_of_50_mb_is_not_even_looked_at() -> None:
    data = b"#" * 50_000_000
    began = process_time()
    (problem,) = load(data, "f.yaml", WORDS).problems
    assert str(problem) == f"f.yaml:1: is too large: a file may have {LARGEST} bytes"
    assert process_time() - began < SECONDS


def test_of_very_many_mistakes_some_are_told_and_how_many_more_there_are() -> None:
    text = WORKFLOW + "".join(f"  field{number}: 1\n" for number in range(250))
    said = [str(each) for each in load(text.encode(), "f.yaml", WORDS).problems]
    assert len(said) == 101
    assert [each for each in said if "more mistakes" in each] == ["f.yaml:1: there are 152 more mistakes"]


def test_after_very_many_mistakes_a_document_is_still_known_by_its_name() -> None:
    wrong = WORKFLOW + "".join(f"  field{number}: 1\n" for number in range(150))
    right = "apiVersion: chaosgate.dev/v1alpha1\nkind: Subscription\nmetadata: {name: last}\nspec: {}\n"
    *_, last = load("---\n".join([*[wrong] * 4, right]).encode(), "f.yaml", WORDS).broken
    assert (last.kind, last.name) == ("Subscription", "last")
    (problem,) = last.problems
    assert problem.why == "is not looked at: there are more than 300 mistakes before it"
