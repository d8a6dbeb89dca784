"""What the API server refuses in an object's metadata: names, labels, annotations, finalizers, owners, and changes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Protocol

from gate.sandbox.kubernetes.language.errors import Cause, CauseType, forbidden, invalid, not_negative, shown
from gate.sandbox.kubernetes.language.objects import Object, is_terminating, name_of

ANNOTATIONS_LIMIT = 256 * 1024
"""Characters of all keys and values."""

_STANDARD_FINALIZERS = ("kubernetes", "orphan", "foregroundDeletion")


class Naming(Protocol):
    """What names have to follow."""

    def faults(self, text: str) -> Iterator[str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a text has to look like, and what the server says when it does not."""

    pattern: re.Pattern[str]
    limit: int
    words: str
    examples: tuple[str, ...]
    dotless: bool = False
    """A dot is the fault that is named, where there is one."""

    def faults(self, text: str) -> Iterator[str]:
        if len(text) > self.limit:
            yield _too_long(self.limit)
        if self.dotless and "." in text:
            yield "must not contain dots"
        elif not self.pattern.fullmatch(text):
            yield str(self)

    def __str__(self) -> str:
        examples = ",  or ".join(f"'{example}'" for example in self.examples)
        return f"{self.words} (e.g. {examples}, regex used for validation is '{self.pattern.pattern}')"


SUBDOMAIN = Rule(
    pattern=re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"),
    limit=253,
    words="a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character",
    examples=("example.com",),
)
LABEL = Rule(
    pattern=re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"),
    limit=63,
    words="a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and "
    "end with an alphanumeric character",
    examples=("my-name", "123-abc"),
    dotless=True,
)
LABEL_1035 = Rule(
    pattern=re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?"),
    limit=63,
    words="a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
    "character, and end with an alphanumeric character",
    examples=("my-name", "abc-123"),
)
LABEL_VALUE = Rule(
    pattern=re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"),
    limit=63,
    words="a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character",
    examples=("MyValue", "my_value", "12345"),
)
_KEY = Rule(
    pattern=re.compile(r"[-._a-zA-Z0-9]+"),
    limit=253,
    words="a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    examples=("key.name", "KEY_NAME", "key-name"),
)
_NAME_PART = Rule(
    pattern=re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"),
    limit=63,
    words="must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character",
    examples=("MyName", "my.name", "123-abc"),
)


def faults(obj: Object, rule: Naming, *, bare_finalizers: bool = False) -> list[Cause]:
    """What is wrong with the metadata, whose name has to follow the rule.

    Finalizers without a domain are for kinds that come from extensions: the real server checks only those of its own.
    """
    meta = obj["metadata"]
    causes = []
    prefix = meta.get("generateName") or ""
    if prefix:  # what it ends with is followed by more
        told = rule.faults(prefix[:-1] + "a" if prefix.endswith("-") else prefix)
        causes += [invalid("metadata.generateName", prefix, fault) for fault in told]
    causes += [invalid("metadata.name", name_of(obj), fault) for fault in rule.faults(name_of(obj))]
    causes += not_negative(meta, "metadata", ("generation",))
    causes += labels(meta.get("labels"), "metadata.labels")
    causes += annotations(meta.get("annotations"), "metadata.annotations")
    causes += _owner_faults(meta.get("ownerReferences") or [])
    finalizers = meta.get("finalizers") or []
    for index, finalizer in enumerate(finalizers):
        bare = None if bare_finalizers else f"metadata.finalizers[{index}]"
        causes += finalizer_faults(finalizer, "metadata.finalizers", bare)
    if {"orphan", "foregroundDeletion"} <= {*finalizers}:
        detail = "finalizer orphan and foregroundDeletion cannot be both set"
        causes.append(invalid("metadata.finalizers", finalizers, detail))
    return causes


def finalizer_faults(finalizer: str, field: str, bare: str | None) -> list[Cause]:
    """What is wrong with a finalizer; `bare` is the field that is blamed where it has no domain, if any is."""
    causes = [invalid(field, finalizer, fault) for fault in qualified_name_faults(finalizer)]
    if bare is not None and "/" not in finalizer and finalizer not in _STANDARD_FINALIZERS:
        causes.append(invalid(bare, finalizer, "name is neither a standard finalizer name nor is it fully qualified"))
    return causes


def changes(new: Object, old: Object) -> list[Cause]:
    """What of a stored object's metadata must not become what it would become."""
    causes = []
    for field in ("uid", "deletionTimestamp", "deletionGracePeriodSeconds"):
        value = new["metadata"].get(field)
        if value != old["metadata"].get(field):
            causes.append(invalid(f"metadata.{field}", value, "field is immutable"))
    if is_terminating(old):
        before = old["metadata"].get("finalizers") or []
        added = [one for one in new["metadata"].get("finalizers") or [] if one not in before]
        if added:
            listed = ", ".join(map(shown, added))
            detail = (
                "no new finalizers can be added if the object is being deleted, "
                f"found new finalizers []string{{{listed}}}"
            )
            causes.append(forbidden("metadata.finalizers", detail))
    return causes


def labels(mapping: Any, field: str) -> list[Cause]:
    causes = []
    for key, value in sorted((mapping or {}).items()):
        causes += [invalid(field, key, fault) for fault in qualified_name_faults(key)]
        causes += [invalid(field, value, fault) for fault in LABEL_VALUE.faults(value)]
    return causes


def annotations(mapping: Any, field: str) -> list[Cause]:
    causes = []
    for key in sorted(mapping or {}):
        causes += [invalid(field, key, fault) for fault in qualified_name_faults(key.lower())]
    if sum(len(key) + len(value) for key, value in (mapping or {}).items()) > ANNOTATIONS_LIMIT:
        causes.append(too_long(field, ANNOTATIONS_LIMIT))
    return causes


def qualified_name_faults(text: str) -> Iterator[str]:
    """What is wrong with a name that may have a subdomain and a slash before it."""
    *prefixes, name = text.split("/")
    if len(prefixes) > 1:
        yield f"a qualified name {_NAME_PART} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return
    for prefix in prefixes:
        for fault in SUBDOMAIN.faults(prefix) if prefix else ("must be non-empty",):
            yield f"prefix part {fault}"
    if not name:
        yield "name part must be non-empty"
    for fault in _NAME_PART.faults(name):
        yield f"name part {fault}"


def key_faults(key: str) -> Iterator[str]:
    """What is wrong with a key of a ConfigMap or Secret."""
    yield from _KEY.faults(key)
    if key in (".", ".."):
        yield f"must not be '{key}'"
    elif key.startswith(".."):
        yield "must not start with '..'"


def address(address: Any, field: str) -> list[Cause]:
    try:
        ip_address(str(address))
    except ValueError:
        return [invalid(field, address, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")]
    return []


def too_long(field: str, limit: int) -> Cause:
    return Cause(field=field, type=CauseType.TOO_LONG, message=f"Too long: may not be more than {limit} bytes")


def _too_long(limit: int) -> str:
    return f"must be no more than {limit} characters"


def _owner_faults(owners: list[Object]) -> list[Cause]:
    field = "metadata.ownerReferences"
    causes = []
    for owner in owners:
        group, _, version = (owner.get("apiVersion") or "").rpartition("/")
        if not version or "/" in group:
            causes.append(invalid(f"{field}.apiVersion", owner.get("apiVersion") or "", "version must not be empty"))
        if (owner.get("apiVersion"), owner.get("kind")) == ("v1", "Event"):
            causes.append(invalid(field, owner, "/v1, Kind=Event is disallowed from being an owner"))
        empty = [part for part in ("kind", "name", "uid") if not owner.get(part)]
        causes += [invalid(f"{field}.{part}", "", "must not be empty") for part in empty]
    controllers = [f"{owner.get('kind')}/{owner.get('name')}" for owner in owners if owner.get("controller")]
    if len(controllers) > 1:
        detail = (
            "Only one reference can have Controller set to true. "
            f'Found "true" in references for {controllers[0]} and {controllers[1]}'
        )
        causes.append(invalid(field, owners, detail))
    return causes
