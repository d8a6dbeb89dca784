"""Faults that have a name in the catalogue: a kind of fault, with some of its settings said once for all steps."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pydantic import BaseModel, ValidationError

from gate.documents.forms import FaultForm, ParameterForm
from gate.documents.interpreted import would_be_code
from gate.documents.mistakes import MOST_TOLD, mistakes, unknown
from gate.documents.substitution import FACTS, PARAMETERS, Filling, referred
from gate.documents.tree import Path, Tree, dotted
from gate.documents.vocabulary import Vocabulary
from gate.errors import BadDocument
from gate.model import Settings, WorkloadKind

SPEC: Path = ("spec",)
ANY_FACTS = dict.fromkeys(FACTS, "x") | {"workload.kind": str(WorkloadKind.DEPLOYMENT)}
"""Stand-ins, where nobody knows yet what is judged."""
ANY_VALUE = "1s"
"""A stand-in for the value of a parameter that nobody has given yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFault:
    """A kind of fault, with settings that a step may add to, and parameters that it may give."""

    name: str
    kind: str
    settings: Settings
    parameters: Mapping[str, ParameterForm]
    tree: Tree

    @property
    def needed(self) -> Sequence[str]:
        """The parameters that each step has to give."""
        return [name for name, each in self.parameters.items() if "default" not in each.model_fields_set]

    def with_added(self, added: Settings, facts: Mapping[str, str]) -> tuple[Settings, list[tuple[Path, str]]]:
        """The settings of a step, and what cannot be filled in.

        A value goes where its reference stands: in a list of words it stays within its word, whatever is in it.
        """
        settings, filling = self._filled(added, facts)
        others = {key: value for key, value in added.items() if key not in self.parameters}
        return {**settings, **others}, filling.unknown

    def mistakes(self, form: type[BaseModel]) -> Iterator[BadDocument]:
        """What is wrong with it whatever steps add."""
        yield from self._of_parameters({field.alias or name for name, field in form.model_fields.items()})
        for path, interpreter in would_be_code(self.settings):
            why = f"a parameter here would be code for {interpreter}; give it to a variable in env, and use that here"
            yield self._wrong(why, self.kind, *path)
        given = dict.fromkeys(self.needed, ANY_VALUE)
        settings, filling = self._filled(given, ANY_FACTS)
        problems = [self._wrong(why, self.kind, *path) for path, why in filling.unknown]
        try:
            form.model_validate(settings)
        except ValidationError as error:
            problems += mistakes(error, self.tree, (*SPEC, self.kind), form)
        hidden = {PARAMETERS + name for name in given}
        yield from (each for each in problems if not hidden & referred(self.tree, each))
        unused = (name for name in self.parameters if PARAMETERS + name not in filling.used)
        for name in islice(unused, MOST_TOLD):
            yield self._wrong("this parameter is not used anywhere", "parameters", name)

    def _of_parameters(self, fields: set[str]) -> Iterator[BadDocument]:
        of_facts = Filling(ANY_FACTS)
        for name, each in self.parameters.items():
            of_facts.fill(each.default, ("parameters", name, "default"))
        yield from (self._wrong(why, *path) for path, why in of_facts.unknown)
        for name in sorted(fields & self.parameters.keys()):
            yield self._wrong(f"{self.kind} has a field of this name; call the parameter otherwise", "parameters", name)

    def _filled(self, given: Settings, facts: Mapping[str, str]) -> tuple[Settings, Filling]:
        """Defaults may refer to facts; what is given has been filled in already."""
        of_facts = Filling(facts)
        values = {
            PARAMETERS + name: given[name] if name in given else of_facts.fill(each.default, ())
            for name, each in self.parameters.items()
        }
        filling = Filling(values, ours=PARAMETERS)
        settings: Settings = filling.fill(self.settings, ())
        return settings, filling

    def _wrong(self, why: str, *path: str | int) -> BadDocument:
        return BadDocument(why, place=self.tree.place((*SPEC, *path)), path=dotted((*SPEC, *path)))


OwnFaults = Mapping[str, Sequence[OwnFault]]
"""By their names. More than one of a name are none: nobody knows which is meant."""


def read(tree: Tree, vocabulary: Vocabulary) -> OwnFault | list[BadDocument]:
    """The fault of a document, or everything that is wrong with it. A `${}` that is no parameter is for the shell."""

    def wrong(why: str, *path: str | int) -> list[BadDocument]:
        return [BadDocument(why, place=tree.place(path), path=dotted(path))]

    try:
        form = FaultForm.model_validate(tree.value)
    except ValidationError as error:
        return list(mistakes(error, tree, (), FaultForm))
    name, kinds, blocks = form.metadata.name, vocabulary.faults, form.spec.model_extra or {}
    if name in kinds:
        return wrong(f"{name} is a kind of fault; give this one another name", "metadata", "name")
    if strange := [key for key in blocks if key not in kinds]:
        return wrong(unknown(strange[0], [*kinds, "parameters"], "a kind of fault or a field:"), *SPEC, strange[0])
    if len(blocks) != 1:
        return wrong("must have one block, which is named like a kind of fault, such as job", *SPEC)
    ((kind, settings),) = blocks.items()
    if not isinstance(settings, dict):
        return wrong("must be a mapping of settings", *SPEC, kind)
    fault = OwnFault(name=name, kind=kind, settings=settings, parameters=form.spec.parameters, tree=tree)
    return list(fault.mistakes(kinds[kind])) or fault


def uses_own(workflow: Tree, vocabulary: Vocabulary) -> set[str]:
    """The faults of a workflow's steps that are not kinds: what they are, other documents say."""
    steps: Any = workflow.value["spec"].get("steps")
    faults = [step.get("fault") for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
    return {fault for fault in faults if isinstance(fault, str) and fault not in vocabulary.faults}
