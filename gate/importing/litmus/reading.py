"""Files with objects of Litmus become our documents: all of them together, for an engine leaves much to others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gate.documents.loading import LARGEST
from gate.documents.tree import Illegible, Tree, trees
from gate.errors import BadDocument, Place
from gate.importing.account import Account, Entry, Outcome, Part
from gate.importing.documents import Document, Imported, Names
from gate.importing.litmus import argo
from gate.importing.litmus.engine import REASONS, Engine, engine, standing_alone, subscribed
from gate.importing.litmus.schedule import event_tracker, schedule

KINDS = ("ChaosEngine", "ChaosExperiment", "ChaosSchedule", "EventTrackerPolicy", "Workflow", "CronWorkflow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """An object of Litmus or Argo."""

    kind: str
    name: str
    file: str
    account: Account


@dataclass(slots=True, kw_only=True)
class _Import:
    """What is collected on the way."""

    documents: list[Document] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    refused: list[BadDocument] = field(default_factory=list)
    names: Names = field(default_factory=Names)


def import_litmus(files: Mapping[str, bytes]) -> Imported:
    """`files`: by their names. What cannot be taken is refused by itself; nothing is raised."""
    found = _Import()
    objects = [each for file, data in files.items() for each in _objects(file, data, found)]
    experiments = {each.name: each.account.root for each in objects if each.kind == "ChaosExperiment"}
    used: set[str] = set()
    for each in objects:
        made, wanted = _documents(each, experiments, found)
        used |= wanted
        found.documents += made
    for each in objects:
        if each.kind == "ChaosExperiment" and each.name not in used:
            found.documents += standing_alone(each.account.root, _origin(each), found.names)
    for account in found.accounts:
        found.refused += account.refusals
        found.entries += [] if account.refusals else account.entries()
    return Imported(documents=tuple(found.documents), entries=tuple(found.entries), refused=tuple(found.refused))


def _objects(file: str, data: bytes, found: _Import) -> list[Foreign]:
    """What the file holds; what is nobody's is noted."""
    place = Place(file=file)
    if len(data) > LARGEST:
        found.refused.append(BadDocument(f"is too large: a file may have {LARGEST} bytes", place=place))
        return []
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        found.refused.append(BadDocument("is not UTF-8", place=place))
        return []
    objects: list[Foreign] = []
    parts = list(trees(text, file))
    if not parts:
        found.refused.append(BadDocument("holds no document", place=place))
    for tree in parts:
        if isinstance(tree, Illegible):
            found.refused.append(tree.problem)
        elif isinstance(tree.value, dict) and tree.value.get("kind") in KINDS:
            objects.append(_foreign(tree, file))
            found.accounts.append(objects[-1].account)
            found.refused += tree.problems
        else:
            found.entries.append(_strange(tree))
    return objects


def _foreign(tree: Tree, file: str) -> Foreign:
    kind = str(tree.value["kind"])
    metadata = tree.value.get("metadata")
    said = metadata if isinstance(metadata, dict) else {}
    name = str(said.get("name") or said.get("generateName") or kind)
    reasons = argo.REASONS if kind in {"Workflow", "CronWorkflow"} else REASONS
    return Foreign(kind=kind, name=name, file=file, account=Account(tree, f"{kind} {name}", reasons))


def _strange(tree: Tree) -> Entry:
    kind = tree.value.get("kind") if isinstance(tree.value, dict) else None
    why = f"it is none of {', '.join(KINDS)}"
    return Entry(place=tree.place(()), of=str(kind or "?"), path="", outcome=Outcome.LEFT_OUT, why=why)


def _documents(one: Foreign, experiments: Mapping[str, Part], found: _Import) -> tuple[list[Document], set[str]]:
    """What becomes of an object, and the names of the experiments that it uses."""
    root, origin = one.account.root, _origin(one)
    match one.kind:
        case "ChaosEngine":
            return _subscribed(one, [_engine(root["spec"], one.name, origin, experiments, found)], found), _used(
                root["spec"]
            )
        case "ChaosSchedule":
            schedule(root["spec"])
            template = root["spec"]["engineTemplateSpec"]
            return _subscribed(one, [_engine(template, one.name, origin, experiments, found)], found), _used(template)
        case "Workflow" | "CronWorkflow":
            return _argo(one, experiments, found)
        case "EventTrackerPolicy":
            event_tracker(root["spec"])
    return [], set()


def _argo(one: Foreign, experiments: Mapping[str, Part], found: _Import) -> tuple[list[Document], set[str]]:
    spec = one.account.root["spec"]
    if one.kind == "CronWorkflow":
        for key in ("schedule", "schedules", "concurrencyPolicy", "startingDeadlineSeconds", "timezone"):
            spec[key].left_out("an upgrade starts a run, not the clock")
        spec = spec["workflowSpec"]
    objects = argo.inner(spec, one.file, REASONS)
    found.accounts += [each.account for each in objects]
    own = {each.name: each.account.root for each in objects if each.kind == "ChaosExperiment"}
    engines = [
        _engine(each.account.root["spec"], each.name, _origin(one), {**experiments, **own}, found)
        for each in objects
        if each.kind == "ChaosEngine"
    ]
    if not engines:
        spec.left_out("there is no ChaosEngine in its templates")
    wanted = {name for each in objects if each.kind == "ChaosEngine" for name in _used(each.account.root["spec"])}
    return _subscribed(one, engines, found), wanted


def _engine(spec: Part, name: str, origin: str, experiments: Mapping[str, Part], found: _Import) -> Engine:
    return engine(spec, name, origin, experiments, found.names)


def _subscribed(one: Foreign, engines: Sequence[Engine], found: _Import) -> list[Document]:
    documents = subscribed(engines, one.name, _origin(one), found.names)
    for kind, why in (
        ("Workflow", "its name"),
        ("Subscription", "its name; environment: staging, for Litmus does not say which it is"),
    ):
        names = [each.name for each in documents if each.kind == kind]
        if names:
            one.account.root["metadata"]["name"].kept(f"{kind} {', '.join(names)}: {why}")
    return documents


def _used(spec: Part) -> set[str]:
    return {each["name"].text for each in spec["experiments"].items}


def _origin(one: Foreign) -> str:
    return f"{one.kind} {one.name} in {one.file}"
