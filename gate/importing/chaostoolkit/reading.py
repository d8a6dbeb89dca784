"""An experiment of Chaos Toolkit becomes a workflow, and a subscription of the workload that its first action hits."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from gate.documents.loading import LARGEST
from gate.documents.tree import Illegible, Tree, trees
from gate.documents.units import in_words
from gate.errors import BadDocument, Place
from gate.importing.account import Account, Part
from gate.importing.chaostoolkit.actions import Action, action
from gate.importing.chaostoolkit.configuration import Configuration
from gate.importing.chaostoolkit.probes import probe
from gate.importing.documents import USUAL_BASELINE, Document, Draft, Imported, Names, stands_up, subscription
from gate.model import Window, WorkloadKind

Json = dict[str, Any]
HYPOTHESIS = "steady-state-hypothesis"
REASONS: Mapping[str, str] = {
    "version": "it is the version of their format",
    "description": "write a comment into the workflow",
    "tags": "nothing is chosen by tags",
    "contributions": "nothing is chosen by what it contributes to",
    "secrets": "no document has a secret; operators keep them, and probes name them in `credentials`",
    "controls": "nothing is run beside a run",
    "extensions": "nobody here would read them",
    "rollbacks": "each fault is taken back by itself, by whatever is left of the gate",
    "runtime": "a run is always watched from before its first step until after its last",
    "dry": "chaos-gate plan says what would happen",
}
STRATEGIES: Mapping[str, tuple[Window, ...]] = {
    "default": (Window.BEFORE, Window.AFTER),
    "before-method-only": (Window.BEFORE,),
    "after-method-only": (Window.AFTER,),
    "during-method-only": (Window.DURING,),
    "continuously": (Window.BEFORE, Window.DURING, Window.AFTER),
}
USUAL_HOLD = timedelta(seconds=10)
LONGEST_HOLD = 86_400
"""Seconds."""
RECOVER = timedelta(minutes=1)


def import_chaostoolkit(files: Mapping[str, bytes]) -> Imported:
    """`files`: by their names; each is one experiment. What cannot be taken is refused; nothing is raised."""
    documents: list[Document] = []
    accounts: list[Account] = []
    refused: list[BadDocument] = []
    names = Names()
    for file, data in files.items():
        tree = _tree(file, data)
        if isinstance(tree, BadDocument):
            refused.append(tree)
            continue
        account = Account(tree, f"experiment {tree.value['title']}", REASONS)
        accounts.append(account)
        made = _documents(account.root, f"{tree.value['title']} in {file}", names)
        refused += account.refusals
        documents += [] if account.refusals else made
    entries = [entry for account in accounts if not account.refusals for entry in account.entries()]
    return Imported(documents=tuple(documents), entries=tuple(entries), refused=tuple(refused))


def _tree(file: str, data: bytes) -> Tree | BadDocument:
    place = Place(file=file)
    if len(data) > LARGEST:
        return BadDocument(f"is too large: a file may have {LARGEST} bytes", place=place)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return BadDocument("is not UTF-8", place=place)
    # JSON is YAML, but for the tabs by which it may be indented.
    text = re.sub(r"^[\t ]+", lambda found: found[0].expandtabs(2), text, flags=re.MULTILINE)
    for tree in trees(text, file):
        if isinstance(tree, Illegible):
            return tree.problem
        if not isinstance(tree.value, dict) or not isinstance(tree.value.get("title"), str):
            break
        return tree
    return BadDocument("is no experiment of Chaos Toolkit: it has no title", place=place)


def _documents(root: Part, origin: str, names: Names) -> list[Document]:
    for part in (*root[HYPOTHESIS]["probes"].items, *root["method"].items):
        _look_at(part)
    if root.account.refusals:
        return []
    configuration = Configuration.of(root)
    root["title"].kept("the name of the documents")
    steps, workload = _steps(root["method"], configuration)
    if not steps:
        root["title"].left_out("no Workflow: none of its actions has a counterpart")
        root["method"].left_out("no Workflow: none of its actions has a counterpart")
        return []
    kind = WorkloadKind(workload["kind"]) if workload else WorkloadKind.DEPLOYMENT
    holds = [timedelta(seconds=each.pop("seconds")) for each in steps]
    draft = Draft(
        name=names.give("Workflow", root["title"].text),
        origin=origin,
        probes=_probes(root, configuration, kind),
        steps=steps,
        longest=USUAL_BASELINE + sum((hold + RECOVER for hold in holds), timedelta(0)),
    )
    if workload is None:
        root["method"].assumed("no Subscription: no action names its workload by labels or name")
        return [draft.document]
    return [draft.document, subscription(names.give("Subscription", root["title"].text), origin, workload, [draft])]


def _look_at(part: Part) -> None:
    """What is not of the form that all activities have is refused."""
    if isinstance(part.value, dict) and "ref" in part.value:
        return
    provider = part["provider"]
    if not isinstance(provider.value, dict) or not part["name"].text:
        part.refused("must be a mapping with a name and a provider")
        return
    for key in ("arguments", "headers"):
        value = provider[key].value
        if not isinstance(value, dict | None) and not (provider["type"].text == "process" and key == "arguments"):
            provider[key].refused("must be a mapping")


def _probes(root: Part, configuration: Configuration, kind: WorkloadKind) -> list[Json]:
    strategy = root["runtime"]["hypothesis"]["strategy"]
    when = STRATEGIES.get(strategy.text or "default", STRATEGIES["default"])
    strategy.kept(f"when: [{', '.join(when)}]")
    hypothesis = root[HYPOTHESIS]
    hypothesis["title"].left_out("each probe has its own name")
    asked = [probe(part, configuration, [str(each) for each in when]) for part in hypothesis["probes"].items]
    found = [each for each in asked if each is not None]
    covered = set(when) if found else set[Window]()
    lacking = [str(each) for each in (Window.BEFORE, Window.AFTER) if each not in covered]
    if lacking:
        hypothesis.assumed(f"a probe that asks {' and '.join(lacking)} whether the workload is available was added")
        found.append(stands_up(kind, lacking))
    return found


def _steps(method: Part, configuration: Configuration) -> tuple[list[Json], Mapping[str, Any] | None]:
    """The steps, and the workload that is judged: that of the first action that names one."""
    steps: list[Json] = []
    judged: Mapping[str, Any] | None = None
    for part in method.items:
        if "ref" in part.value:
            part.left_out("it is done once; write the step again, or `repeat` them all")
        elif part["type"].text != "action":
            part.left_out("it asks without judging; a probe of the steady state is asked meanwhile and judged")
        elif (found := action(part, configuration)) is not None:
            judged = judged or found.workload
            elsewhere = found.workload if found.workload != judged else None
            if elsewhere and "name" not in elsewhere:
                part.left_out("it hits another workload, which is known by labels only; name it in `target`")
                continue
            steps.append(_step(part, found, elsewhere, steps))
    return steps, judged


def _step(part: Part, found: Action, elsewhere: Mapping[str, Any] | None, before: Sequence[Json]) -> Json:
    """`seconds`: its hold, for whoever adds them up."""
    name = part["name"].text or found.fault
    taken = {each["name"] for each in before}
    unique = next(
        each
        for number in range(1, len(taken) + 2)
        if (each := name if number == 1 else f"{name} {number}") not in taken
    )
    after = part["pauses"]["after"]
    said = after.value if isinstance(after.value, int | float) and 0 < after.value < LONGEST_HOLD else None
    hold = timedelta(seconds=said) if said else USUAL_HOLD
    part["pauses"]["after"].kept(f"hold: {in_words(hold)}")
    part["pauses"]["before"].left_out("a step begins when the service is steady again after the one before")
    part["background"].left_out("one step after the other")
    difference = f"; {found.difference}" if found.difference else ""
    told = "" if said else f"; hold: {in_words(hold)}, for it does not say how long"
    said_of_target = "".join(f"; {key}: {value}" for key, value in (elsewhere or {}).items())
    part.differs(f"the fault {found.fault}{said_of_target}{told}{difference}; steady again within {in_words(RECOVER)}")
    return {
        "name": unique,
        "fault": found.fault,
        **({"with": found.settings} if found.settings else {}),
        **({"target": dict(elsewhere)} if elsewhere else {}),
        "hold": in_words(hold),
        "recover": in_words(RECOVER),
        "seconds": hold.total_seconds(),
    }
