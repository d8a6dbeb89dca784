"""A policy document as it was read: the form, and where each of its rules stands."""

from dataclasses import dataclass

from pydantic import ValidationError

from gate.documents.mistakes import mistakes
from gate.documents.policy_forms import PolicyForm, PolicySpec
from gate.documents.tree import Path, Tree, dotted
from gate.errors import BadDocument, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDocument:
    """What administrators wrote."""

    name: str
    spec: PolicySpec
    tree: Tree

    def place(self, *path: str | int) -> Place:
        """Where a part of the spec stands."""
        return self.tree.place(("spec", *path))

    @staticmethod
    def called(*path: str | int) -> str:
        """What an answer calls the part, such as `spec.blastRadius[0]`."""
        whole: Path = ("spec", *path)
        return dotted(whole)


def read(tree: Tree) -> PolicyDocument | list[BadDocument]:
    """The policy, or everything that is wrong with it."""
    try:
        form = PolicyForm.model_validate(tree.value)
    except ValidationError as error:
        return list(mistakes(error, tree, (), PolicyForm))
    return PolicyDocument(name=form.metadata.name, spec=form.spec, tree=tree)
