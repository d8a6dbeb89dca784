"""Label and field selectors: parsed once, then asked of each object."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gate.sandbox.kubernetes.errors import BadRequest
from gate.sandbox.kubernetes.objects import Object, labels_of, lookup


class Operator(StrEnum):
    IN = "in"
    NOT_IN = "notin"
    EXISTS = "exists"
    ABSENT = "!"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One condition on the labels of an object."""

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        match self.operator:
            case Operator.EXISTS:
                return self.key in labels
            case Operator.ABSENT:
                return self.key not in labels
            case Operator.IN:
                return self.key in labels and labels[self.key] in self.values
            case Operator.NOT_IN:
                return self.key not in labels or labels[self.key] not in self.values


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """All requirements at once; none: everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(requirement.matches(labels) for requirement in self.requirements)

    @classmethod
    def parse(cls, text: str) -> "LabelSelector":
        """The text form of a URL and of `kubectl -l`. BadRequest where it is none."""
        parts = (part.strip() for part in _split(text))
        return cls(tuple(_requirement(part, text) for part in parts if part))

    @classmethod
    def from_object(cls, selector: Object | None) -> "LabelSelector":
        """A metav1.LabelSelector as objects carry it (`spec.selector` of a Deployment). An empty one selects all."""
        selector = selector or {}
        exact = tuple(
            Requirement(key=key, operator=Operator.IN, values=frozenset((value,)))
            for key, value in (selector.get("matchLabels") or {}).items()
        )
        operators = {"In": Operator.IN, "NotIn": Operator.NOT_IN, "Exists": Operator.EXISTS}
        stated = tuple(
            Requirement(
                key=each["key"],
                operator=operators.get(each["operator"], Operator.ABSENT),
                values=frozenset(each.get("values") or ()),
            )
            for each in selector.get("matchExpressions") or ()
        )
        return cls(exact + stated)

    @classmethod
    def from_labels(cls, labels: Mapping[str, str]) -> "LabelSelector":
        """The plain map that Services carry."""
        return cls.from_object({"matchLabels": dict(labels)})

    def __str__(self) -> str:
        return ",".join(map(_text, self.requirements))


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldCondition:
    path: str
    value: str
    equal: bool

    def matches(self, obj: Object) -> bool:
        return (_field_text(obj, self.path) == self.value) is self.equal


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """All conditions at once; none: everything."""

    conditions: tuple[FieldCondition, ...] = ()

    def matches(self, obj: Object) -> bool:
        return all(condition.matches(obj) for condition in self.conditions)

    @classmethod
    def parse(cls, text: str, supported: Iterable[str]) -> "FieldSelector":
        """BadRequest for a field that the resource cannot be selected by."""
        allowed = {"metadata.name", "metadata.namespace", *supported}
        conditions = []
        for part in filter(None, text.split(",")):
            found = re.fullmatch(r"([^=!]+)(==|!=|=)(.*)", part)
            if not found:
                raise BadRequest(f"invalid selector: '{text}'; can't understand '{part}'")
            path, operator, value = found.groups()
            if path not in allowed:
                raise BadRequest(f"field label not supported: {path}")
            conditions.append(FieldCondition(path=path, value=value, equal=operator != "!="))
        return cls(tuple(conditions))


def selection(labels: LabelSelector | None, fields: FieldSelector | None) -> Callable[[Object], bool]:
    """Both selectors as one question."""

    def matches(obj: Object) -> bool:
        return (labels is None or labels.matches(labels_of(obj))) and (fields is None or fields.matches(obj))

    return matches


def _field_text(obj: Object, path: str) -> str:
    value = lookup(obj, path, "")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _split(text: str) -> list[str]:
    """At the commas outside parentheses."""
    return re.split(r",(?![^()]*\))", text)


_NAME = r"[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?"
_VALUE = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?"
_FORMS = (
    re.compile(rf"(?P<key>{_NAME})\s*(?P<op>==|=|!=)\s*(?P<value>{_VALUE})"),
    re.compile(rf"(?P<key>{_NAME})\s+(?P<op>in|notin)\s*\((?P<values>[^()]*)\)"),
    re.compile(rf"(?P<op>!)\s*(?P<key>{_NAME})"),
    re.compile(rf"(?P<key>{_NAME})"),
)


def _requirement(part: str, whole: str) -> Requirement:
    found = next((match for form in _FORMS if (match := form.fullmatch(part))), None)
    if found is None:
        raise BadRequest(f"unable to parse requirement: invalid label selector {whole!r} at {part!r}")
    named = found.groupdict()
    operator = named.get("op")
    if operator in ("in", "notin"):
        values = frozenset(value.strip() for value in named["values"].split(","))
        return Requirement(key=named["key"], operator=Operator(operator), values=values)
    if operator in ("=", "==", "!="):
        kind = Operator.NOT_IN if operator == "!=" else Operator.IN
        return Requirement(key=named["key"], operator=kind, values=frozenset((named["value"],)))
    return Requirement(key=named["key"], operator=Operator.ABSENT if operator == "!" else Operator.EXISTS)


def _text(requirement: Requirement) -> str:
    values = ",".join(sorted(requirement.values))
    match requirement.operator:
        case Operator.EXISTS:
            return requirement.key
        case Operator.ABSENT:
            return f"!{requirement.key}"
        case Operator.IN if len(requirement.values) == 1:
            return f"{requirement.key}={values}"
        case operator:
            return f"{requirement.key} {operator.value} ({values})"
