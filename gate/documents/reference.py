"""The reference page: every field of every document, made from the schemas; `anchor_of` finds the line of a field."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from gate.documents.forms import NAME
from gate.documents.schema import FORMS, REFERENCE, Schema, example_of, resolved, schema_of
from gate.documents.vocabulary import Vocabulary
from gate.quantities import DURATION, PERCENT, RATE, SIZE

PAGE = "docs/reference.md"

_ELSEWHERE = (("^spec-steadystate-", "probe-"), ("^spec-load-", "load-"), ("^spec-", "fault-"))
"""Blocks have parts of the page to themselves: how the anchor of one begins in its document, and on the page."""
_TYPES: Mapping[str, str] = {
    f"^{DURATION.pattern}$": "duration",
    f"^{PERCENT.pattern}$": "percentage",
    f"^{RATE.pattern}$": "rate",
    f"^{SIZE.pattern}$": "size",
    NAME: "name",
}
"""What a text with this pattern is called."""
_BEGINNING = """\
# Reference

Every field of every document. This page is made by `chaos-gate schema --output markdown` from what the gate itself
reads documents with; [authors.md](authors.md) says what it all means. `chaos-gate schema workflow` is for editors.

A *duration* is a number with its unit (`400ms`, `20s`, `1m30s`), a *percentage* ends in `%`, a *rate* is `20/s` or
`600/m`, a *size* is `256Mi` or `1Gi`, and a *name* is what Kubernetes takes as one. In a workflow any value may be a
reference such as `${parameters.delay}`.
"""
_COLUMNS = ["| field | type | default | meaning | for example |", "| --- | --- | --- | --- | --- |"]


def anchor_of(path: str) -> str:
    """The anchor of a field, by its place in a document: `spec.steps[0].hold` -> `spec-steps-hold`."""
    return re.sub(r"\[\d+\]", "", path).replace(".", "-").lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The page, and the way to the lines of it."""

    page: str
    anchors: frozenset[str]

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> Self:
        page = "\n".join([_BEGINNING, *_parts(vocabulary)]).rstrip() + "\n"
        return cls(page=page, anchors=frozenset(re.findall(r'<a id="([^"]+)">', page)))

    def link(self, path: str) -> str:
        """To the line about the field at this place in a document, or about what it lies in, or to the page."""
        anchor = anchor_of(path)
        for written, told in _ELSEWHERE:
            anchor = re.sub(written, told, anchor) if re.sub(written, told, anchor) in self.anchors else anchor
        while anchor and anchor not in self.anchors:
            anchor = anchor.rpartition("-")[0]
        return f"{PAGE}#{anchor}" if anchor else PAGE


def _parts(vocabulary: Vocabulary) -> Iterator[str]:
    schemas = {kind: schema_of(kind, vocabulary) for kind in FORMS}
    workflow = schemas["Workflow"]["$defs"]
    yield from ["## Every document", ""]
    head = {name: field for name, field in schemas["Workflow"]["properties"].items() if name != "spec"}
    head["kind"] = head["kind"] | {"const": None, "enum": list(FORMS)}
    yield from _table({"properties": head, "required": list(head)}, "", workflow)
    for kind, schema in schemas.items():
        yield from [f"## {kind}", "", schema["description"], ""]
        if kind == "Fault":
            yield from [
                "`spec` has one block, which is named like a kind of fault: its settings are below. It may have",
                "`parameters`, as a [workflow](#spec-parameters) has; here steps give them in `with`.",
                "",
            ]
        else:
            yield from _table(resolved(schema["properties"]["spec"], schema["$defs"]), "spec.", schema["$defs"])
    for title, what, kinds in (
        ("Faults", "fault", vocabulary.faults),
        ("Probes", "probe", vocabulary.probes),
        ("Loads", "load", vocabulary.loads),
    ):
        yield from [f"## {title}", ""]
        for kind in kinds:
            yield from _block(f"{what} {kind}", workflow)
            if what == "probe":
                yield from _block(f"expect {kind}", workflow)


def _block(name: str, definitions: Schema) -> Iterator[str]:
    form = definitions[name]
    what, kind = name.split(" ", 1)
    title = f"`expect` of the probe `{kind}`" if what == "expect" else f"The {what} `{kind}`"
    yield from [f"### {title}", "", (form.get("description") or "").partition("\n\n")[0], ""]
    if form.get("properties"):
        yield from _table(form, "", definitions, f"{what}-{kind}-")
        yield from [f"For example `{json.dumps(example_of(form, definitions), ensure_ascii=False)}`.", ""]


def _table(form: Schema, prefix: str, definitions: Schema, anchors: str = "") -> Iterator[str]:
    yield from _COLUMNS
    for path, field, needed in _fields(form, prefix, definitions):
        default = "**needed**" if needed else _code(field["default"]) if "default" in field else ""
        cells = [_type(field, definitions), default, field.get("description", ""), _code(field["examples"][0])]
        yield f'| <a id="{anchors}{anchor_of(path)}"></a>`{path}` | {" | ".join(_cell(cell) for cell in cells)} |'
    yield ""


def _fields(form: Schema, prefix: str, definitions: Schema) -> Iterator[tuple[str, Schema, bool]]:
    """All fields of a form, and of the forms in it."""
    for name, field in form.get("properties", {}).items():
        yield f"{prefix}{name}", field, name in form.get("required", ())
        inner = resolved(_plain(field), definitions)
        if "items" in inner:
            inner = resolved(_plain(inner["items"]), definitions)
        if not _is_block(field):
            yield from _fields(inner, f"{prefix}{name}.", definitions)


def _is_block(field: Schema) -> bool:
    """Whether a section of its own is about this field."""
    return str(_plain(field).get("$ref", "")).startswith(("#/$defs/probe ", "#/$defs/load "))


def _plain(field: Schema) -> Schema:
    """Without the alternative that it is a reference."""
    choices = [each for each in field.get("anyOf", ()) if each != REFERENCE]
    return choices[0] if len(choices) == 1 else {key: part for key, part in field.items() if key != "anyOf" or choices}


def _type(field: Schema, definitions: Schema) -> str:
    form = resolved(_plain(field), definitions)
    if "anyOf" in form:
        return " or ".join(dict.fromkeys(_type(each, definitions) for each in form["anyOf"] if each != REFERENCE))
    if form.get("const"):
        return f"`{form['const']}`"
    if "enum" in form:
        return ", ".join(f"`{each}`" for each in form["enum"])
    if "items" in form:
        return f"list of {_type(form['items'], definitions)}"
    words = {"string": "text", "integer": "whole number", "boolean": "`true` or `false`", "object": "mapping"}
    said = str(form.get("type", "any value"))
    return _TYPES.get(form.get("pattern", ""), words.get(said, said))


def _code(value: Any) -> str:
    text = value if isinstance(value, str) and value and value.isprintable() else json.dumps(value, ensure_ascii=False)
    return f"`{text}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
