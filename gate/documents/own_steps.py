"""What a step adds to a fault of the catalogue: everything that is wrong with it, said where the step says it."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from pydantic import BaseModel, ValidationError

from gate.documents.mistakes import MOST_TOLD, mistakes, unknown_field
from gate.documents.own_faults import OwnFault
from gate.documents.substitution import PARAMETERS, references
from gate.documents.traps import rounded
from gate.documents.tree import Path, Tree, dotted
from gate.errors import BadDocument
from gate.model import Settings


def step_mistakes(
    fault: OwnFault, added: Settings, facts: Mapping[str, str], form: type[BaseModel], tree: Tree, path: Path
) -> Iterator[BadDocument]:
    """Of a step whose `with` lies at that path of the tree. What fault and step both say is a mistake."""

    def wrong(why: str, *at: str | int) -> BadDocument:
        return BadDocument(why, place=tree.place((*path, *at)), path=dotted((*path, *at)))

    fields = [field.alias or name for name, field in form.model_fields.items()]
    said = [wrong(why, name) for name, why in islice(_of_names(fault, added, fields), MOST_TOLD)]
    said += [wrong(rounded(each, value), name) for name, value, each in _rounded(fault, added, tree, path)]
    if said:
        yield from said
        return
    settings, unfilled = fault.with_added(added, facts)
    for at, why in unfilled:
        yield wrong(why, *_given_at(fault, added, at))
    try:
        form.model_validate(settings)
    except ValidationError as error:
        moved = {dotted((*path, *found["loc"])): _given_at(fault, added, found["loc"]) for found in error.errors()}
        for problem in mistakes(error, tree, path, form):
            given_at = moved.get(problem.path)
            yield wrong(problem.why, *given_at) if given_at else problem


def _of_names(fault: OwnFault, added: Settings, fields: list[str]) -> Iterator[tuple[str, str]]:
    open_fields = [field for field in fields if field not in fault.settings]
    for name in added:
        if name in fault.settings:
            yield name, f"the fault {fault.name} says this already, at {fault.tree.place(())}"
        elif name not in fault.parameters and name not in fields:
            yield name, unknown_field(name, [*fault.parameters, *open_fields])
    for name in fault.needed:
        if name not in added:
            yield name, f"is missing: the fault {fault.name} needs this parameter, which has no default"


def _rounded(fault: OwnFault, added: Settings, tree: Tree, path: Path) -> Iterator[tuple[str, object, str]]:
    """Numbers that are read as another text than was written: no form can tell, where they stand within text."""
    for name in fault.parameters:
        if name in added and (*path, name) in tree.written:
            yield name, added[name], tree.written[*path, name]


def _given_at(fault: OwnFault, added: Settings, at: Path) -> Path:
    """Where the step gives the value that the fault has put there; empty if it does not."""
    value: Any = fault.settings
    for part in at:
        if part not in (value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()):
            break
        value = value[part]
    given = [name for name in added if PARAMETERS + name in references(value)]
    return (given[0],) if given else ()
