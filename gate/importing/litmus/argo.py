"""An Argo Workflow as ChaosCenter makes them: engines and experiments in artifacts, and the order of its steps."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gate.documents.tree import Illegible, Tree, trees
from gate.importing.account import Account, Part

PARAMETER = re.compile(r"\{\{\s*workflow\.parameters\.([\w.-]+)\s*\}\}")
REASONS: Mapping[str, str] = {
    "serviceAccountName": "the gate's executor has its own service account",
    "securityContext": "the executor is the gate's affair",
    "podGC": "a run leaves no pods behind",
    "entrypoint": "the steps are run in their order",
    "metadata": "names and labels of Argo's own objects are of no use here",
    "status": "what became of earlier runs stays with Argo",
    "templates": "how Argo runs a step is of no use here",
    "container": "how Argo runs a step is of no use here",
}
WORK = {
    "install": "the gate needs no ChaosExperiment in the cluster; an application has to be there already",
    "cleanup": "what a run does is taken back by itself",
    "delete": "what a run does is taken back by itself",
    "revert": "what a run does is taken back by itself",
}
"""First word of a template that does no chaos -> why it is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    """A Litmus object in an artifact, with an account of its own."""

    kind: str
    name: str
    account: Account


def inner(spec: Part, file: str, reasons: Mapping[str, str]) -> list[Inner]:
    """The Litmus objects of a workflow's `spec`, in the order in which its steps use them."""
    given = {each["name"].text: each["value"].text for each in spec["arguments"]["parameters"].items}
    for each in spec["arguments"]["parameters"].items:
        each.kept("filled in where it is used")
    templates = {each["name"].text: each for each in spec["templates"].items}
    found: list[Inner] = []
    for name in dict.fromkeys([*_order(templates.get(spec["entrypoint"].text)), *templates]):
        if name in templates:
            found += _of_template(templates[name], given, file, reasons)
    return found


def _order(entry: Part | None) -> Iterator[str]:
    """The templates in the order of the steps; those that Argo runs at the same time follow each other."""
    if entry is None:
        return
    for group in entry["steps"].items:
        names = [each["template"].text for each in group.items]
        chaos = [each for each in names if _idle(each) is None]
        if len(chaos) > 1:
            group.differs("one after the other: a namespace has one run at a time")
        else:
            group.kept("in this order")
        yield from names
    for task in entry["dag"]["tasks"].items:
        task.differs("one after the other, in the order in which they are written")
        yield task["template"].text


def _idle(name: str) -> str | None:
    return next((why for word, why in WORK.items() if name.startswith(word)), None)


def _of_template(template: Part, given: Mapping[str, str], file: str, reasons: Mapping[str, str]) -> Sequence[Inner]:
    found: list[Inner] = []
    for artifact in template["inputs"]["artifacts"].items:
        data = artifact["raw"]["data"]
        if not data.text:
            continue
        text = PARAMETER.sub(lambda name: given.get(name[1], name[0]), data.text)
        for tree in trees(text, file):
            if isinstance(tree, Illegible):
                data.refused(f"is no YAML: {tree.problem.why}")
            elif isinstance(tree.value, dict):
                kind, name = str(tree.value.get("kind")), _name(tree)
                account = Account(tree, f"{kind} {name}", reasons, data.account.place(data.path))
                found.append(Inner(kind=kind, name=name, account=account))
        artifact.kept("see what became of the objects in it")
    if not found and not template["steps"] and not template["dag"]:
        why = _idle(template["name"].text) or "it does no chaos, and nothing but chaos is run here"
        template.left_out(why)
    else:
        template["name"].ignored()
    template["metadata"]["labels"]["weight"].left_out("a weight is a probe's here, in a workflow with a threshold")
    return found


def _name(tree: Tree) -> str:
    metadata = tree.value.get("metadata")
    return str((metadata or {}).get("name") or (metadata or {}).get("generateName") or "")
