"""One file of documents: what it says, and everything that is wrong with it."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from gate.documents import own_faults, policies
from gate.documents.forms import (
    API_VERSION,
    GROUP,
    ParameterForm,
    ParameterName,
    PromoteForm,
    SubscriptionForm,
)
from gate.documents.mistakes import mistakes, unknown
from gate.documents.own_faults import OwnFault, OwnFaults
from gate.documents.policies import PolicyDocument
from gate.documents.positions import positions
from gate.documents.salvage import kind_in, name_in, project_in, workload_in
from gate.documents.traps import date, rounded
from gate.documents.tree import Illegible, Tree, dotted, trees
from gate.documents.vocabulary import Vocabulary
from gate.documents.workflows import SPEC, WorkflowDocument, check
from gate.errors import BadDocument, Place
from gate.model import Promote, Selection, Subscription, Way, WorkflowUse, WorkloadKind, WorkloadName, WorkloadSelector

LARGEST = 1_000_000
"""Bytes in one file."""
MOST_TOLD = 300
"""Mistakes in one file, after which no further document of it is looked at."""
LETTERS_OF_A_VALUE = 20
"""About as many, where they cannot be counted."""
KINDS = ("Subscription", "Workflow", "Fault", "Policy")
COMING = ("GameDay",)

STAND_IN = "any"
"""For the name of a workload that a selector has not found yet."""

_PARAMETERS = TypeAdapter(dict[ParameterName, ParameterForm])


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A document that cannot be taken, and who it would have been as far as that can be read."""

    kind: str
    name: str
    workload: WorkloadName | None
    project: str = ""
    """The GitLab project of a subscription, if it can be read."""
    problems: tuple[BadDocument, ...]
    workflow: WorkflowDocument | None = None
    """What it is, if its mistakes left so much of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What one or more files say."""

    subscriptions: tuple[Subscription, ...] = ()
    selections: tuple[Selection, ...] = ()
    workflows: tuple[WorkflowDocument, ...] = ()
    faults: tuple[OwnFault, ...] = ()
    policies: tuple[PolicyDocument, ...] = ()
    """Of a catalogue they mean nothing: policies live with the administrators."""
    broken: tuple[Broken, ...] = ()
    notes: tuple[BadDocument, ...] = ()
    """What was passed over without being a mistake."""
    values: int = 0
    """How many there are in the files, also in what is broken: what it costs to read them."""

    @property
    def documents(self) -> int:
        """How many documents of ours there are, right or wrong."""
        kinds = (self.subscriptions, self.selections, self.workflows, self.faults, self.policies, self.broken)
        return sum(len(documents) for documents in kinds)

    @property
    def problems(self) -> tuple[BadDocument, ...]:
        return tuple(problem for each in self.broken for problem in each.problems)

    @staticmethod
    def together(parts: Iterable["Loaded"]) -> "Loaded":
        """What all of them say, in their order."""
        parts = list(parts)
        return Loaded(
            subscriptions=tuple(each for part in parts for each in part.subscriptions),
            selections=tuple(each for part in parts for each in part.selections),
            workflows=tuple(each for part in parts for each in part.workflows),
            faults=tuple(each for part in parts for each in part.faults),
            policies=tuple(each for part in parts for each in part.policies),
            broken=tuple(each for part in parts for each in part.broken),
            notes=tuple(each for part in parts for each in part.notes),
            values=sum(part.values for part in parts),
        )


def load(data: bytes, file: str, vocabulary: Vocabulary) -> Loaded:
    """All documents of a file. What is wrong with one does not touch the others; nothing is raised."""
    if len(data) > LARGEST:
        return _unreadable(f"is too large: a file may have {LARGEST} bytes", file)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return _unreadable("is not UTF-8", file, line)
    parts: list[Loaded] = []
    told = values = 0
    for part in trees(text, file):
        if isinstance(part, Illegible):
            parts.append(_illegible(part))
        elif told > MOST_TOLD:
            why = f"is not looked at: there are more than {MOST_TOLD} mistakes before it"
            parts.append(_broken(part, [BadDocument(why, place=part.place(()))]))
        else:
            parts.append(_document(part, vocabulary))
        told += len(parts[-1].problems)
        values += len(part.text) // LETTERS_OF_A_VALUE if isinstance(part, Illegible) else len(part.places)
    return replace(Loaded.together(parts), values=values)


def _illegible(part: Illegible) -> Loaded:
    broken = Broken(
        kind=kind_in(part.text),
        name=name_in(part.text),
        workload=workload_in(part.text),
        project=project_in(part.text),
        problems=(part.problem,),
    )
    return Loaded(broken=(broken,))


def _unreadable(why: str, file: str, line: int = 1) -> Loaded:
    problem = BadDocument(why, place=Place(file=file, line=line))
    return Loaded(broken=(Broken(kind="", name="", workload=None, problems=(problem,)),))


def _document(tree: Tree, vocabulary: Vocabulary) -> Loaded:
    value, place = tree.value, tree.place(())
    if not isinstance(value, dict):
        return _broken(
            tree, [BadDocument("a document must be a mapping with apiVersion, kind, metadata, spec", place=place)]
        )
    if owner := _owner(value.get("apiVersion")):
        note = BadDocument(f"a document of {owner} is not ours and is passed over", place=place)
        return Loaded(notes=(note,))
    if problems := _head(tree):
        return _broken(tree, [*tree.problems, *problems])
    match value["kind"]:
        case "Subscription":
            read = _subscription(tree)
        case "Fault":
            read = _fault(tree, vocabulary)
        case "Policy":
            read = _policy(tree)
        case _:
            read = _workflow(tree, vocabulary)
    problems = [*tree.problems, *_rounded(tree)]
    return _broken(tree, [*problems, *read.problems]) if problems else read


def _rounded(tree: Tree) -> list[BadDocument]:
    """Values of parameters may be anything, so that no form can tell that the version 1.10 was meant as text.

    Dates are asked for in policies alone.
    """
    found = []
    for path, text in tree.written.items():
        if why := date(text):
            if tree.value["kind"] != "Policy":
                found.append(BadDocument(why, place=tree.place(path), path=dotted(path)))
        elif path[:1] == SPEC and path[3:4] in {("parameters",), ("default",)}:
            number = tree.at(path)
            why = f"{rounded(text, number)}, or write {number} if a number is meant"
            found.append(BadDocument(why, place=tree.place(path), path=dotted(path)))
    return found


def _owner(version: Any) -> str:
    """The group that a document of somebody else is from. Empty for ours, and for ours misspelt: that is a mistake."""
    if version == API_VERSION:
        return ""
    if version == "v1":
        return "Kubernetes"
    group, slash, _ = version.partition("/") if isinstance(version, str) else ("", "", "")
    return group if slash and not difflib.get_close_matches(group, [GROUP]) else ""


def _head(tree: Tree) -> list[BadDocument]:
    """What keeps the rest of the document from being looked at."""
    value = tree.value
    if value.get("apiVersion") != API_VERSION:
        why = f'must be {API_VERSION}, not "{value.get("apiVersion")}"' if "apiVersion" in value else "is missing"
        return [BadDocument(why, place=tree.place(("apiVersion",)), path="apiVersion")]
    kind = value.get("kind")
    if kind in COMING:
        return [BadDocument(f"{kind} is planned, but not there yet", place=tree.place(("kind",)), path="kind")]
    if kind not in KINDS:
        why = unknown(str(kind), KINDS, "one of") if "kind" in value else "is missing"
        return [BadDocument(why, place=tree.place(("kind",)), path="kind")]
    if not isinstance(value.get("spec"), dict):
        why = "must be a mapping" if "spec" in value else "is missing"
        return [BadDocument(why, place=tree.place(SPEC), path="spec")]
    return []


def _subscription(tree: Tree) -> Loaded:
    try:
        form = SubscriptionForm.model_validate(tree.value)
    except ValidationError as error:
        return _broken(tree, list(mistakes(error, tree, (), SubscriptionForm)))
    spec, workload, said = form.spec, form.spec.workload, form.spec.model_fields_set
    subscription = Subscription(
        name=form.metadata.name,
        workload=WorkloadName(
            kind=workload.kind, namespace=workload.namespace or STAND_IN, name=workload.name or STAND_IN
        ),
        environment=spec.environment,
        workflows=tuple(WorkflowUse(name=use.name, parameters=use.parameters) for use in spec.workflows),
        settle=spec.settle,
        deadline=spec.deadline,
        on_subscribe=spec.on_subscribe if "on_subscribe" in said else None,
        on_rollback=spec.on_rollback if "on_rollback" in said else None,
        judge=spec.judge,
        project=spec.gitlab.project if spec.gitlab else "",
        promote=_promote(spec.gitlab.promote) if spec.gitlab and spec.gitlab.promote else None,
        place=str(tree.place((*SPEC, "workflows"))),
        positions=positions(tree),
    )
    if workload.selector is None:
        return Loaded(subscriptions=(subscription,))
    selector = WorkloadSelector(
        kind=workload.kind, namespaces=tuple(workload.namespaces or ()), labels=workload.selector.match_labels
    )
    return Loaded(selections=(Selection(selector=selector, pattern=subscription),))


def _promote(form: PromoteForm) -> Promote:
    if form.job is not None:
        return Promote(way=Way.PLAY, name=form.job, environment=form.environment or "production")
    if form.approve is not None:
        return Promote(way=Way.APPROVE, name=form.approve, on_failed=form.on_failed, on_approved=form.on_approved)
    if form.check is not None:
        return Promote(way=Way.CHECK, name=form.check)
    return Promote(way=Way.TRIGGER, name=form.trigger or "", project=form.project or "")


def _workflow(tree: Tree, vocabulary: Vocabulary) -> Loaded:
    try:
        parameters: Mapping[str, ParameterForm] = _PARAMETERS.validate_python(
            tree.value["spec"].get("parameters") or {}
        )
    except ValidationError as error:
        return _broken(tree, list(mistakes(error, tree, (*SPEC, "parameters"), ParameterForm)))
    document = WorkflowDocument(name=_name(tree), tree=tree, parameters=parameters)
    if problems := check(document, vocabulary):
        return _broken(tree, problems, document)
    return Loaded(workflows=(document,))


def _fault(tree: Tree, vocabulary: Vocabulary) -> Loaded:
    fault = own_faults.read(tree, vocabulary)
    return Loaded(faults=(fault,)) if isinstance(fault, OwnFault) else _broken(tree, fault)


def _policy(tree: Tree) -> Loaded:
    policy = policies.read(tree)
    return Loaded(policies=(policy,)) if isinstance(policy, PolicyDocument) else _broken(tree, policy)


def link(loaded: Loaded, faults: OwnFaults, vocabulary: Vocabulary) -> Loaded:
    """The same, without the workflows whose steps want faults that no document has: these are broken.

    Those that are broken already have one more mistake then.
    """

    def wrong(document: WorkflowDocument) -> tuple[Broken, ...]:
        own = own_faults.uses_own(document.tree, vocabulary)
        problems = check(document, vocabulary, faults) if own else []
        return _broken(document.tree, problems, document).broken if problems else ()

    whole: list[WorkflowDocument] = []
    broken = [now for each in loaded.broken for now in (wrong(each.workflow) if each.workflow else ()) or (each,)]
    for document in loaded.workflows:
        now = wrong(document)
        broken += now
        whole += () if now else (document,)
    return replace(loaded, workflows=tuple(whole), broken=tuple(broken))


def _broken(tree: Tree, problems: list[BadDocument], workflow: WorkflowDocument | None = None) -> Loaded:
    kind = tree.value.get("kind") if isinstance(tree.value, dict) else ""
    once = {str(problem): problem for problem in problems}
    return Loaded(
        broken=(
            Broken(
                kind=str(kind),
                name=_name(tree),
                workload=_workload(tree),
                project=_project(tree),
                problems=tuple(sorted(once.values(), key=_position)),
                workflow=workflow,
            ),
        )
    )


def _position(problem: BadDocument) -> tuple[int, int]:
    return problem.place.line, problem.place.column


def _name(tree: Tree) -> str:
    return str(_at(tree.value, "metadata", "name") or "")


def _workload(tree: Tree) -> WorkloadName | None:
    """The workload of a subscription that is broken elsewhere: its gate must be closed, so it is worth reading."""
    words = [_at(tree.value, "spec", "workload", key) for key in ("kind", "namespace", "name")]
    if not all(isinstance(word, str) for word in words):
        return None
    kind, namespace, name = words
    meant = difflib.get_close_matches(kind, list(WorkloadKind), n=1)
    return WorkloadName(kind=WorkloadKind(meant[0]), namespace=namespace, name=name) if meant else None


def _project(tree: Tree) -> str:
    project = _at(tree.value, "spec", "gitlab", "project")
    return project if isinstance(project, str) else ""


def _at(value: Any, *path: str) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
