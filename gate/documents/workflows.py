"""A workflow document with its parameters filled in becomes the workflow that is run, or a list of mistakes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ValidationError

from gate.documents.blocks import Expectation
from gate.documents.forms import (
    LoadForm,
    ParameterForm,
    ProbeForm,
    RepeatForm,
    StepForm,
    ToleranceForm,
    WorkflowForm,
    WorkflowSpec,
)
from gate.documents.isolation import contradictions
from gate.documents.mistakes import mistakes, unknown
from gate.documents.own_faults import ANY_FACTS, ANY_VALUE, OwnFaults
from gate.documents.own_steps import step_mistakes
from gate.documents.substitution import FACTS, Filling, referred
from gate.documents.target import HOST, NAME, TARGET_FACTS, host_of
from gate.documents.tree import Path, Tree, dotted
from gate.documents.vocabulary import Vocabulary
from gate.errors import BadDocument
from gate.model import (
    Isolation,
    Load,
    Probe,
    Repeat,
    Settings,
    Step,
    Subscription,
    Targets,
    Tolerance,
    Window,
    Workflow,
    WorkloadName,
)

SPEC: Path = ("spec",)
NEEDED = {
    Window.BEFORE: "nothing would show that the service was steady at all",
    Window.AFTER: "nobody could see it recover",
}
"""Windows in which at least one probe has to count, and why."""
MOST_STEPS = 100
"""What each step leaves behind, some 2 to 10 kB, has to fit into one object of Kubernetes, which takes 1.5 MB."""
TOO_LONG = {
    "steps": f"steps, a run keeps a record of {MOST_STEPS} at most; make it several workflows",
    "steadyState": f"probes, a workflow may have {MOST_STEPS}; make it several workflows",
    "load": f"loads, a workflow may have {MOST_STEPS}; make it several workflows",
    "parameters": f"parameters, a workflow may have {MOST_STEPS}",
}
"""Parts of a workflow with their bound."""
BOUNDS = ("atLeast", "atMost")
CHOOSES = "count"
"""The setting of faults that choose how many pods they hit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowDocument:
    """A workflow as it is written; its parameters are still open."""

    name: str
    tree: Tree
    parameters: Mapping[str, ParameterForm]


def facts_of(subscription: Subscription) -> dict[str, str]:
    """What any workflow may refer to."""
    workload = subscription.workload
    return dict(zip(FACTS, (workload.kind, workload.namespace, workload.name, subscription.environment), strict=True))


def check(document: WorkflowDocument, vocabulary: Vocabulary, own: OwnFaults | None = None) -> list[BadDocument]:
    """What is wrong with the document whoever subscribes. Values that only a subscription gives are not looked at.

    Without `own` nobody knows yet which faults have a name in the catalogue: a step may want any.
    """
    open_names = {name for name, each in document.parameters.items() if "default" not in each.model_fields_set}
    given = dict.fromkeys(open_names, ANY_VALUE)
    _, problems = build(document, given, ANY_FACTS, vocabulary, own)
    hidden = {f"parameters.{name}" for name in open_names}
    return [problem for problem in problems if not hidden & referred(document.tree, problem)]


def build(
    document: WorkflowDocument,
    given: Settings,
    facts: Mapping[str, str],
    vocabulary: Vocabulary,
    own: OwnFaults | None = None,
) -> tuple[Workflow | None, list[BadDocument]]:
    """The workflow with these parameters, or None with everything that is wrong."""
    tree, declared = document.tree, document.parameters
    if too_long := list(_too_long(tree)):
        return None, too_long
    facts = {**facts, **_of_target(document, given, facts)}
    of_facts = Filling(facts)  # a parameter's value may refer to facts, but not to other parameters
    values = {
        name: of_facts.fill(given.get(name, each.default), (*SPEC, "parameters", name, "default"))
        for name, each in declared.items()
    }
    filling = Filling({**facts} | {f"parameters.{name}": value for name, value in values.items()})
    written = {**tree.value, "spec": {key: part for key, part in tree.value["spec"].items() if key != "parameters"}}
    problems = []
    filled = filling.fill(written, ())
    problems += [
        BadDocument(why, place=tree.place(path), path=dotted(path))
        for path, why in (*of_facts.unknown, *filling.unknown)
    ]
    for name in declared:
        if f"parameters.{name}" not in filling.used:
            path = (*SPEC, "parameters", name)
            problems.append(
                BadDocument("this parameter is not used anywhere", place=tree.place(path), path=dotted(path))
            )
    if "service" in written["spec"] and "target.host" not in filling.used | of_facts.used:
        path = (*SPEC, "service")
        why = "this is not used anywhere; write ${target.host} where it is asked"
        problems.append(BadDocument(why, place=tree.place(path), path=dotted(path)))
    shaping = _Shaping(tree, vocabulary, facts, problems, own)
    workflow = shaping.workflow(filled)
    return (None if problems else workflow), problems


def _too_long(tree: Tree) -> Iterator[BadDocument]:
    """Lists that nobody has to read to the end to know that they are wrong."""
    for field, why in TOO_LONG.items():
        count = _length(tree.value["spec"].get(field))
        if count > MOST_STEPS:
            path = (*SPEC, field)
            yield BadDocument(f"{count} {why}", place=tree.place(path), path=dotted(path))


def _length(part: Any) -> int:
    return len(part) if isinstance(part, list | dict) else 0


def _of_target(document: WorkflowDocument, given: Settings, facts: Mapping[str, str]) -> dict[str, str]:
    """What the steps hit, and where it is asked. What copies will be called, only the run will know."""
    of_facts, spec = Filling(facts), document.tree.value["spec"]
    values = {name: of_facts.fill(given.get(name, each.default), ()) for name, each in document.parameters.items()}
    filling = Filling({**facts} | {f"parameters.{name}": value for name, value in values.items()})
    said = {field: filling.fill(spec.get(field), ()) for field in ("isolation", "compare", "service")}
    if said["isolation"] == Isolation.COPY or said["compare"] is not None:
        return dict(zip(TARGET_FACTS, (NAME, HOST), strict=True))
    service = str(said["service"] or facts["workload.name"])
    here = (facts["workload.name"], host_of(service, facts["workload.namespace"]))
    return dict(zip(TARGET_FACTS, here, strict=True))


class _Shaping:
    """One document on its way into the model; collects mistakes instead of stopping at the first."""

    def __init__(
        self,
        tree: Tree,
        vocabulary: Vocabulary,
        facts: Mapping[str, str],
        problems: list[BadDocument],
        own: OwnFaults | None,
    ) -> None:
        self._own = own
        self._tree, self._vocabulary, self._facts, self._problems = tree, vocabulary, facts, problems

    def workflow(self, filled: dict[str, Any]) -> Workflow | None:
        spec = filled["spec"]
        probes = self._blocks(spec, "steadyState", self._vocabulary.probes, "probe")
        loads = self._blocks(spec, "load", self._vocabulary.loads, "load")
        self._faults(spec)
        try:
            form = WorkflowForm.model_validate(filled)
        except ValidationError as error:
            self._problems += mistakes(error, self._tree, (), WorkflowForm)
            return None
        shaped = form.spec
        self._unique((*SPEC, "load"), [each.name for each in shaped.load])
        self._unique((*SPEC, "steadyState"), [each.name for each in shaped.steady_state])
        self._unique((*SPEC, "steps"), [each.name for each in shaped.steps])
        self._used(shaped.steps, shaped.steady_state)
        self._watched({window for probe in shaped.steady_state for window in probe.when})
        workflow = Workflow(
            name=form.metadata.name,
            baseline=shaped.baseline,
            load=tuple(self._load(index, each, loads) for index, each in enumerate(shaped.load)),
            steady_state=tuple(self._probe(index, each, probes) for index, each in enumerate(shaped.steady_state)),
            steps=self._steps(shaped.steps, shaped.repeat),
            threshold=shaped.threshold,
            repeat=_repeat(shaped.repeat),
            isolation=shaped.isolation,
            compare=shaped.compare,
            service=self._service(shaped),
        )
        for path, why in contradictions(workflow, self._facts, self._vocabulary):
            at = (*SPEC, *path)
            self._problems.append(BadDocument(why, place=self._tree.place(at), path=dotted(at)))
        return workflow

    def _service(self, form: WorkflowSpec) -> str:
        """Where nothing is copied, its address is filled in already."""
        copied = form.isolation is Isolation.COPY or form.compare is not None
        return form.service or self._facts["workload.name"] if copied else ""

    def _blocks(
        self, spec: dict[str, Any], field: str, kinds: Mapping[str, Any], what: str
    ) -> dict[int, tuple[str, Any]]:
        """Takes the block that names the kind (`http:`) out of each item of a list; index -> kind and block."""
        blocks: dict[int, tuple[str, Any]] = {}
        items = spec.get(field)
        for index, item in enumerate(items if isinstance(items, list) else []):
            if not isinstance(item, dict):
                continue
            named = [key for key in item if key in kinds]
            if len(named) == 1:
                block = blocks[index] = (named[0], item.pop(named[0]))
                self._fits_kind(field, index, item, *block)
                continue
            form = ProbeForm if field == "steadyState" else LoadForm
            fields = {each.alias or name for name, each in form.model_fields.items()}
            strange = [key for key in item if key not in fields and key not in kinds]
            path = (*SPEC, field, index, *strange[:1])
            if named:
                why = f"only one of {', '.join(named)} can be asked at a time; make it two"
            elif strange:
                why = unknown(strange[0], [*kinds, *sorted(fields)], f"a kind of {what} or a field:")
                item.pop(strange[0])
            else:
                why = f"says no kind of {what}; there are {', '.join(kinds)}"
            self._problems.append(BadDocument(why, place=self._tree.place(path), path=dotted(path)))
        return blocks

    def _load(self, index: int, form: LoadForm, blocks: Mapping[int, tuple[str, Any]]) -> Load:
        kind, settings = blocks.get(index, ("", {}))
        return Load(name=form.name, kind=kind, settings=settings)

    def _probe(self, index: int, form: ProbeForm, blocks: Mapping[int, tuple[str, Any]]) -> Probe:
        kind, settings = blocks.get(index, ("", {}))
        return Probe(
            name=form.name,
            kind=kind,
            settings=settings,
            expect=form.expect,
            every=form.every,
            tolerate=_tolerance(form.tolerate),
            when=tuple(window for window in Window if window in form.when),
            weight=form.weight,
            critical=form.critical,
        )

    def _fits_kind(self, field: str, index: int, item: dict[str, Any], kind: str, block: Any) -> None:
        path = (*SPEC, field, index)
        if field == "load":
            self._fits(self._vocabulary.loads[kind], block, (*path, kind))
            return
        self._fits(self._vocabulary.probes[kind].settings, block, (*path, kind))
        expect = self._fits(self._vocabulary.probes[kind].expect, item.get("expect", {}), (*path, "expect"))
        if expect is not None and not (isinstance(expect, Expectation) and expect.gives_number):
            self._no_bounds(item.get("tolerate"), (*path, "tolerate"), kind)

    def _no_bounds(self, tolerate: Any, path: Path, kind: str) -> None:
        for bound in BOUNDS:
            if isinstance(tolerate, dict) and bound in tolerate:
                why = f"bounds a number, but this {kind} probe gives none"
                at = (*path, bound)
                self._problems.append(BadDocument(why, place=self._tree.place(at), path=dotted(at)))

    def _faults(self, spec: dict[str, Any]) -> None:
        """The `with:` of each step must be what its fault understands."""
        faults, steps = self._vocabulary.faults, spec.get("steps")
        for index, step in enumerate(steps if isinstance(steps, list) else []):
            fault = step.get("fault") if isinstance(step, dict) else None
            path = (*SPEC, "steps", index)
            if isinstance(fault, str) and fault in faults:
                self._fits(faults[fault], step.get("with", {}), (*path, "with"))
                self._follows(fault, step, path)
            elif isinstance(fault, str) and self._own is not None:
                self._own_fault(self._own, fault, step, path)

    def _follows(self, kind: str, step: Mapping[str, Any], path: Path) -> None:
        """Only faults that choose some pods can follow them."""
        if step.get("targets") == Targets.FOLLOW and CHOOSES not in self._vocabulary.faults[kind].model_fields:
            at = (*path, "targets")
            why = f"{kind} does not hit pods that could be followed; leave it out"
            self._problems.append(BadDocument(why, place=self._tree.place(at), path=dotted(at)))

    def _own_fault(self, own: OwnFaults, name: str, step: Mapping[str, Any], path: Path) -> None:

        def wrong(why: str, *at: str) -> None:
            self._problems.append(BadDocument(why, place=self._tree.place((*path, *at)), path=dotted((*path, *at))))

        known = own.get(name, ())
        if len(known) > 1:
            wrong(f"two faults have this name: {' and '.join(str(each.tree.place(())) for each in known)}", "fault")
        if not known:
            wrong(unknown(name, [*self._vocabulary.faults, *own], "one of the faults:"), "fault")
        for fault in known[:1]:
            self._follows(fault.kind, step, path)
            form, added = self._vocabulary.faults[fault.kind], step.get("with", {})
            if isinstance(added, dict):
                self._problems += step_mistakes(fault, added, self._facts, form, self._tree, (*path, "with"))
            else:
                self._fits(form, added, (*path, "with"))

    def _steps(self, forms: list[StepForm], repeat: RepeatForm | None) -> tuple[Step, ...]:
        """Each repetition has steps of its own, with names that tell them apart."""
        steps = tuple(self._step(each) for each in forms)
        count = len(steps) * (repeat.times if repeat else 1)
        if count > MOST_STEPS:
            at, counted = (*SPEC, "steps"), ", repetitions counted" if repeat else ""
            why = f"{count} steps{counted}, a run keeps a record of {MOST_STEPS} at most; make it several workflows"
            self._problems.append(BadDocument(why, place=self._tree.place(at), path=dotted(at)))
            return steps
        if repeat is None:
            return steps
        repeated = tuple(
            replace(step, name=f"{step.name} ({number} of {repeat.times})", repetition=number)
            for number in range(1, repeat.times + 1)
            for step in steps
        )
        for index, step in enumerate(steps):
            if any(step.name == each.name for each in repeated):
                at = (*SPEC, "steps", index, "name")
                why = "is what a repetition of another step is called; use another name"
                self._problems.append(BadDocument(why, place=self._tree.place(at), path=dotted(at)))
        return repeated

    def _step(self, form: StepForm) -> Step:
        target = None
        if form.target:
            namespace = form.target.namespace or self._facts["workload.namespace"]
            target = WorkloadName(kind=form.target.kind, namespace=namespace, name=form.target.name)
        own = (self._own or {}).get(form.fault, ())
        return Step(
            name=form.name,
            fault=own[0].kind if own else form.fault,
            settings=own[0].with_added(form.settings, self._facts)[0] if own else form.settings,
            target=target,
            used=form.used or "",
            targets=form.targets,
            hold=form.hold,
            recover=form.recover,
        )

    def _fits(self, form: type[BaseModel], block: Any, path: Path) -> BaseModel | None:
        """The block in its form, or None: what is wrong is noted."""
        try:
            return form.model_validate(block)
        except ValidationError as error:
            self._problems += mistakes(error, self._tree, path, form)
            return None

    def _watched(self, windows: set[Window]) -> None:
        for window, otherwise in NEEDED.items():
            if window not in windows:
                path = (*SPEC, "steadyState")
                why = f"no probe counts {window} a fault: {otherwise}; add {window} to the `when` of one"
                self._problems.append(BadDocument(why, place=self._tree.place(path), path=dotted(path)))

    def _used(self, steps: list[StepForm], probes: list[ProbeForm]) -> None:
        """A probe can show that a target was used only if somebody looks at it before the first fault."""
        before = {probe.name: Window.BEFORE in probe.when for probe in probes}
        for index, step in enumerate(steps):
            if step.used is None or before.get(step.used):
                continue
            why = f'"{step.used}" does not count before a fault; add before to its `when`'
            if step.used not in before:
                why = unknown(step.used, before, "one of the probes:")
            path = (*SPEC, "steps", index, "used")
            self._problems.append(BadDocument(why, place=self._tree.place(path), path=dotted(path)))

    def _unique(self, path: Path, names: list[str]) -> None:
        for index, name in enumerate(names):
            if name in names[:index]:
                at = (*path, index, "name")
                why = f'there is another one called "{name}" before it'
                self._problems.append(BadDocument(why, place=self._tree.place(at), path=dotted(at)))


def _repeat(form: RepeatForm | None) -> Repeat | None:
    return None if form is None else Repeat(times=form.times, passes=form.passes or form.times)


def _tolerance(form: ToleranceForm) -> Tolerance:
    """What is not said does not limit, once anything is said; where nothing is, nothing may fail."""
    limits: dict[str, Any] = {
        "streak": form.streak,
        "p95": form.p95,
        "at_least": form.at_least,
        "at_most": form.at_most,
    }
    if form.failures is not None:
        return Tolerance(failures=form.failures, **limits)
    if all(limit is None for limit in limits.values()):
        return Tolerance()
    return Tolerance(failures=1.0, **limits)
