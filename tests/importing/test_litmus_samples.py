"""Real files of Litmus: what comes out of each passes our own lint, and nothing in it goes unmentioned."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gate.documents.tree import dotted, trees
from gate.importing.account import Outcome, empty
from gate.importing.documents import Imported
from gate.importing.litmus.reading import import_litmus
from tests.importing.litmus_samples import legacy, samples
from tests.importing.reviewing import errors_in

WITHOUT_DOCUMENTS = {"chaosengine-pod-network-latency", "chaosexperiment-pod-network-latency"}
"""Their fault has no counterpart."""


def imported(file: Path) -> Imported:
    return import_litmus({file.name: file.read_bytes()})


@pytest.mark.parametrize("file", samples())
def test_what_comes_out_of_a_sample_passes_our_own_lint(file: Path) -> None:
    found = imported(file)
    assert found.refused == ()
    assert errors_in(found) == []


@pytest.mark.parametrize("file", samples())
def test_a_workflow_comes_out_wherever_its_fault_has_a_counterpart(file: Path) -> None:
    kinds = {each.kind for each in imported(file).documents}
    nothing = file.stem in WITHOUT_DOCUMENTS or file.stem.startswith("eventtrackerpolicy")
    assert ("Workflow" in kinds) is not nothing


@pytest.mark.parametrize("file", samples())
def test_whatever_comes_to_nothing_is_left_out_with_a_reason(file: Path) -> None:
    found = imported(file)
    assert all(entry.why for entry in found.entries)
    if not found.documents:
        assert {entry.outcome for entry in found.entries} & {Outcome.LEFT_OUT}


@pytest.mark.parametrize("file", samples())
def test_each_thing_in_a_sample_is_spoken_of(file: Path) -> None:
    """Of what stands in artifacts, which are files in a file, the objects are spoken of by themselves."""
    found = imported(file)
    said = {entry.path for entry in found.entries}
    (tree,) = trees(file.read_text(), file.name)
    unsaid = [
        dotted(path)
        for path in _leaves(tree.value, ())
        if not any(dotted(path[:length]) in said for length in range(1, len(path) + 1)) and not _named(path)
    ]
    assert unsaid == []


def _leaves(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, index))
    elif not empty(value):
        yield path


def _named(path: tuple[str | int, ...]) -> bool:
    """The head of a document, and the names of what is spoken of by its value."""
    return path[0] in {"apiVersion", "kind"} or (path[-1] == "name" and path[-3] in {"env", "templates"})


@pytest.mark.parametrize("file", legacy())
def test_what_litmus_1_and_2_wrote_is_refused_with_its_place_and_a_reason(file: Path) -> None:
    found = imported(file)
    assert found.documents == ()
    assert found.refused
    for problem in found.refused:
        assert problem.place.file == file.name
        assert problem.place.line > 1
        assert "spec.experiments[0].spec.probe[" in problem.path


@pytest.mark.parametrize("file", legacy())
def test_the_reason_says_how_to_write_it(file: Path) -> None:
    assert any('write "' in problem.why for problem in imported(file).refused)
