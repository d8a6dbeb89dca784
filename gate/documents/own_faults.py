"""Faults that have a name in the catalogue: a kind of fault, with some of its settings said once for all steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from gate.documents.forms import FaultForm
from gate.documents.mistakes import mistakes, unknown
from gate.documents.tree import Path, Tree, dotted
from gate.documents.vocabulary import Vocabulary
from gate.errors import BadDocument
from gate.model import Settings

SPEC: Path = ("spec",)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFault:
    """A kind of fault, with settings that a step may add to."""

    name: str
    kind: str
    settings: Settings
    tree: Tree


OwnFaults = Mapping[str, Sequence[OwnFault]]
"""By their names. More than one of a name are none: nobody knows which is meant."""


def read(tree: Tree, vocabulary: Vocabulary) -> OwnFault | list[BadDocument]:
    """The fault of a document, or everything that is wrong with it. Nothing is filled in: `${}` is for the shell."""

    def wrong(why: str, *path: str | int) -> list[BadDocument]:
        return [BadDocument(why, place=tree.place(path), path=dotted(path))]

    try:
        form = FaultForm.model_validate(tree.value)
    except ValidationError as error:
        return list(mistakes(error, tree, (), FaultForm))
    name, kinds = form.metadata.name, vocabulary.faults
    if name in kinds:
        return wrong(f"{name} is a kind of fault; give this one another name", "metadata", "name")
    if strange := [key for key in form.spec if key not in kinds]:
        return wrong(unknown(strange[0], kinds, "a kind of fault:"), *SPEC, strange[0])
    if len(form.spec) != 1:
        return wrong("must have one block, which is named like a kind of fault, such as job", *SPEC)
    ((kind, settings),) = form.spec.items()
    try:
        kinds[kind].model_validate(settings)
    except ValidationError as error:
        return list(mistakes(error, tree, (*SPEC, kind), kinds[kind]))
    return OwnFault(name=name, kind=kind, settings=settings, tree=tree)


def uses_own(workflow: Tree, vocabulary: Vocabulary) -> set[str]:
    """The faults of a workflow's steps that are not kinds: what they are, other documents say."""
    steps: Any = workflow.value["spec"].get("steps")
    faults = [step.get("fault") for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
    return {fault for fault in faults if isinstance(fault, str) and fault not in vocabulary.faults}
