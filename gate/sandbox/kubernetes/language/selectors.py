"""Label and field selectors: parsed once, then asked of each object."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from gate.sandbox.kubernetes.language import requirements
from gate.sandbox.kubernetes.language.errors import BadRequest
from gate.sandbox.kubernetes.language.objects import Object, labels_of, lookup
from gate.sandbox.kubernetes.language.requirements import Operator, Requirement


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """All requirements at once; none: everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(requirement.matches(labels) for requirement in self.requirements)

    @classmethod
    def parse(cls, text: str) -> "LabelSelector":
        """The text form of a URL and of `kubectl -l`. BadRequest where it is none."""
        return cls(requirements.parse(text))

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
        return ",".join(map(str, sorted(self.requirements, key=lambda each: each.key)))


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

    @property
    def names(self) -> list[str]:
        """What the object has to be called; empty: anything."""
        return [each.value for each in self.conditions if each.equal and each.path == "metadata.name"]

    @classmethod
    def parse(cls, text: str, supported: Collection[str] | None) -> "FieldSelector":
        """BadRequest for a field that the resource cannot be selected by; None: only by name and namespace."""
        allowed = {"metadata.name", "metadata.namespace", *(supported or ())}
        conditions = []
        for part in filter(None, text.split(",")):
            found = re.fullmatch(r"(.*?)(==|!=|=)(.*)", part)
            if not found:
                raise BadRequest(f"invalid selector: '{text}'; can't understand '{part}'")
            path, operator, value = found.groups()
            if path not in allowed and supported is None:
                raise BadRequest(f'"{path}" is not a known field selector: only "metadata.name", "metadata.namespace"')
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
