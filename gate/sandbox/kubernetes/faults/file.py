"""Faults as a YAML file says them: read into a plan, or every mistake with its line and the nearest right word."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path as File
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from gate.documents.blocks import Block
from gate.documents.mistakes import mistakes
from gate.documents.tree import Path, Tree, dotted, trees
from gate.documents.units import Duration, Percent, in_words
from gate.errors import BadDocument, GateError, Place
from gate.sandbox.kubernetes.faults.plan import Plan, Rule, Verb
from gate.sandbox.kubernetes.faults.port import EventFault, EventFaultKind, Fault, When
from gate.sandbox.kubernetes.faults.words import Words
from gate.sandbox.kubernetes.registry.resource import Resource

STATUSES = (409, 410, 429, 500, 502, 503, 504)
LONGEST = timedelta(minutes=10)

_ANSWERS_ONLY: Mapping[int, tuple[Verb, ...]] = {
    409: (Verb.CREATE, Verb.UPDATE, Verb.PATCH, Verb.DELETE, Verb.DELETE_COLLECTION),
    410: (Verb.LIST, Verb.WATCH),
}
"""Status -> the verbs that API servers answer with it; a client need not understand it anywhere else."""
_NAMELESS = (Verb.CREATE, Verb.DELETE_COLLECTION)
"""The verbs whose address names no object."""


def _status(code: int) -> int:
    if code not in STATUSES:
        raise ValueError(f"{code} is no fault of a server's; there are {', '.join(map(str, STATUSES))}")
    return code


def _seed(given: Any) -> str:
    if isinstance(given, str | int) and not isinstance(given, bool):
        return str(given)
    raise ValueError("must be a whole number or text; put anything else in quotes")


def _times(number: int) -> int:
    if number < 1:
        raise ValueError(f"{number} is no limit under which a rule strikes; write 1 or more, or leave times out")
    return number


class FaultForm(Block):
    """What happens: exactly one of the first four, and what belongs to it."""

    answer: Annotated[int, AfterValidator(_status)] | None = Field(
        default=None, description="The error that it answers."
    )
    cut: When | None = Field(default=None, description="The connection is cut, before or after the work is done.")
    delay: Duration | None = Field(default=None, description="The request waits.")
    event: EventFaultKind | None = Field(default=None, description="What happens to an event of a watch.")
    when: When | None = Field(default=None, description="With `answer`: before or after the work is done.")
    retry_after: Duration | None = Field(default=None, description="With `answer`: what the client is told to wait.")
    by: Duration | None = Field(default=None, description="With `event: late`: how late.")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        chosen = [name for name in ("answer", "cut", "delay", "event") if getattr(self, name) is not None]
        if len(chosen) != 1:
            said = " and ".join(chosen) or "nothing"
            raise ValueError(f"must say one of answer, cut, delay, event, and it says {said}")
        if self.answer is None and (self.when or self.retry_after):
            raise ValueError("when and retryAfter belong to answer; leave them out")
        if self.retry_after is not None and self.retry_after.total_seconds() % 1:
            raise ValueError("retryAfter is sent in whole seconds; write it like 1s")
        if (self.event is EventFaultKind.LATE) != (self.by is not None):
            raise ValueError("event: late and by belong together; write event: late, by: 200ms")
        if max(self.delay or timedelta(), self.by or timedelta()) > LONGEST:
            raise ValueError(f"no client waits for more than {in_words(LONGEST)}")
        return self

    def fault(self) -> Fault | EventFault:
        if self.event is not None:
            return EventFault(kind=self.event, delay=self.by.total_seconds() if self.by else 0.0)
        return Fault(
            delay=self.delay.total_seconds() if self.delay else 0.0,
            status=self.answer,
            retry_after=int(self.retry_after.total_seconds()) if self.retry_after else None,
            cut=self.cut is not None,
            when=self.cut or self.when or When.BEFORE,
        )


class RuleForm(Block):
    """Which requests or events a fault hits. What is left out matches everything."""

    name: str = Field(min_length=1, description="The rule's own name, from which its draws follow.")
    verbs: list[Verb] = Field(default=[], description="What is asked.")
    resources: list[str] = Field(default=[], description="Plural names: `pods`, `pods/log`, `deployments.apps`.")
    namespaces: list[str] = Field(default=[], description="Names or patterns.")
    names: list[str] = Field(default=[], description="Names or patterns.")
    users: list[str] = Field(default=[], description="Names or patterns.")
    share: Percent = Field(default=1.0, description="How many of those that match are hit.")
    times: Annotated[int, AfterValidator(_times)] | None = Field(default=None, description="How many are hit at most.")
    fault: FaultForm = Field(description="What happens to them.")

    @model_validator(mode="after")
    def _watches(self) -> Self:
        if self.fault.event is not None and set(self.verbs) - {Verb.WATCH}:
            raise ValueError("events come in watches only; leave verbs out, or write verbs: [watch]")
        return self

    @model_validator(mode="after")
    def _is_an_answer_to_its_verbs(self) -> Self:
        fitting = _ANSWERS_ONLY.get(self.fault.answer or 0)
        others = [verb for verb in self.verbs or Verb if fitting and verb not in fitting]
        if fitting and others:
            right = f"write verbs: [{_listed(fitting)}] or fewer"
            raise ValueError(f"no server answers {self.fault.answer} to {_listed(others)}; {right}")
        return self

    @model_validator(mode="after")
    def _names_what_has_a_name(self) -> Self:
        nameless = [verb for verb in self.verbs if verb in _NAMELESS]
        if Verb.CREATE in nameless and any("/" in each for each in self.resources):
            nameless.remove(Verb.CREATE)  # what is created is `pods/eviction`, and the pod has a name
        if self.names and nameless:
            raise ValueError(
                f"the address of a {nameless[0]} names no object, so names would never match; "
                f"leave names out, or {nameless[0]} out of verbs"
            )
        return self

    def rule(self) -> Rule:
        return Rule(
            name=self.name,
            verbs=tuple(self.verbs),
            resources=tuple(self.resources),
            namespaces=tuple(self.namespaces),
            names=tuple(self.names),
            users=tuple(self.users),
            share=self.share,
            times=self.times,
            fault=self.fault.fault(),
        )


class FileForm(Block):
    """The whole file."""

    seed: Annotated[str, BeforeValidator(_seed)] = Field(default="", description="Another seed, other draws.")
    rules: list[RuleForm] = Field(min_length=1, description="The rules, each for itself.")


def load(file: File, resources: Iterable[Resource]) -> Plan:
    """The plan in the file, as `read` has it."""
    data = file.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise GateError(f"{file}:{line}:{column}: is not UTF-8; save it as UTF-8") from error
    return read(text, str(file), resources)


def read(text: str, file: str, resources: Iterable[Resource]) -> Plan:
    """The plan in the text. Raises GateError with every mistake, each as `file:line:column: field: what is wrong`.

    `resources` are those that there are. A resource that comes later is named with its group.
    """
    problems: list[BadDocument] = []
    documents = [*trees(text, file)]
    match documents:
        case [Tree() as tree]:
            problems += tree.problems
            try:
                form = FileForm.model_validate(tree.value)
            except ValidationError as error:
                problems += mistakes(error, tree, (), FileForm)
            else:
                problems += _unknown_words(form, tree, Words(resources))
        case [illegible] if not isinstance(illegible, Tree):
            problems.append(illegible.problem)
        case _:
            problems.append(BadDocument(f"must hold one document, and holds {len(documents)}", place=Place(file=file)))
    if problems:
        raise GateError("\n".join(map(_line, problems)))
    return Plan([each.rule() for each in form.rules], seed=form.seed)


def _unknown_words(form: FileForm, tree: Tree, words: Words) -> Iterator[BadDocument]:
    """What each rule for itself cannot know: names that another one has, and resources that nobody has."""
    seen: dict[str, int] = {}
    for index, rule in enumerate(form.rules):
        path: Path = ("rules", index, "name")
        if rule.name in seen:
            why = (
                f'"{rule.name}" is the name of rules[{seen[rule.name]}], too; draws follow from names, give it another'
            )
            yield BadDocument(why, place=tree.place(path), path=dotted(path))
        seen.setdefault(rule.name, index)
        asked = [Verb.WATCH] if rule.fault.event is not None else rule.verbs
        for number, word in enumerate(rule.resources):
            if unmatched := words.mistake(word, asked):
                path = ("rules", index, "resources", number)
                yield BadDocument(unmatched, place=tree.place(path), path=dotted(path))


def _listed(verbs: Iterable[Verb]) -> str:
    return ", ".join(verbs)


def _line(problem: BadDocument) -> str:
    where = f"{problem.path}: " if problem.path else ""
    return f"{problem.place}:{problem.place.column}: {where}{problem.why}"
