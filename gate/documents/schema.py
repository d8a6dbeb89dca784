"""JSON Schemas of the documents, made from their forms: editors complete and check with them while somebody types.

What a schema refuses, `chaos-gate lint` refuses too; lint sees more, because it looks at all documents together.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, TypeAdapter

from gate.documents.forms import NAME, FaultForm, SubscriptionForm, WorkflowForm
from gate.documents.policy_forms import PolicyForm
from gate.documents.vocabulary import Vocabulary
from gate.quantities import DURATION, PERCENT, RATE, SIZE, in_words

Schema = dict[str, Any]

FORMS: Mapping[str, type[BaseModel]] = {
    "Subscription": SubscriptionForm,
    "Workflow": WorkflowForm,
    "Fault": FaultForm,
    "Policy": PolicyForm,
}
"""The kinds of documents."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"

_DEFINITIONS = "#/$defs/"
REFERENCE: Schema = {"$ref": f"{_DEFINITIONS}reference"}
"""What any value of a workflow may be instead."""
_EMPTY: tuple[Any, ...] = (None, False, "", [], {})
_TIME = TypeAdapter(timedelta)
_ABOUT = ("title", "description", "examples", "default")


def schema_of(kind: str, vocabulary: Vocabulary) -> Schema:
    """The schema of one kind of document, with a description and an example for every field; raises KeyError."""
    root = _of(FORMS[kind])
    definitions: Schema = root.pop("$defs")
    match kind:
        case "Workflow":
            definitions = _workflow(definitions, vocabulary)
        case "Fault":
            definitions = _fault(definitions, vocabulary)
    root = {"$schema": DIALECT, "title": kind} | {key: part for key, part in root.items() if key != "title"}
    whole = root | {"$defs": dict(sorted(definitions.items()))}
    _give_examples(whole)
    return whole


def _of(form: type[BaseModel]) -> Schema:
    schema: Schema = _without_nothing(form.model_json_schema(by_alias=True))
    return schema


def _workflow(definitions: Schema, vocabulary: Vocabulary) -> Schema:
    probe, load, step = definitions["ProbeForm"], definitions["LoadForm"], definitions["StepForm"]
    settings = {kind: forms.settings for kind, forms in vocabulary.probes.items()}
    _name_a_block(probe, _blocks(definitions, settings, "probe"))
    expects = _blocks(definitions, {kind: forms.expect for kind, forms in vocabulary.probes.items()}, "expect")
    probe["allOf"] = [
        {"if": {"required": [kind]}, "then": {"properties": {"expect": _or_reference(expect)}}}
        for kind, expect in expects.items()
    ]
    _name_a_block(load, _blocks(definitions, vocabulary.loads, "load"))
    faults = _blocks(definitions, vocabulary.faults, "fault")
    step["properties"]["fault"] |= {"anyOf": [{"enum": list(faults)}, {"pattern": NAME}]}
    step["allOf"] = [_with(kind, block, definitions) for kind, block in faults.items()]
    return _open_to_references(definitions, "WorkflowSpec")


def _fault(definitions: Schema, vocabulary: Vocabulary) -> Schema:
    spec = definitions["FaultSpec"]
    _name_a_block(spec, _blocks(definitions, vocabulary.faults, "fault"))
    spec["additionalProperties"] = False
    opened = _open_to_references(definitions, "FaultSpec")
    return opened | {"FaultSpec": spec}


def _open_to_references(definitions: Schema, spec: str) -> Schema:
    """Any value may be a reference instead, but for those of the parameters themselves."""
    opened = {
        name: _open(part) if name not in {"Metadata", "ParameterForm"} else part for name, part in definitions.items()
    }
    opened[spec]["properties"]["parameters"] = definitions[spec]["properties"]["parameters"]
    return opened | {
        "reference": {
            "type": "string",
            "pattern": r"^\$\{[^{}]+\}$",
            "description": "A parameter or a fact, filled in before the document is read.",
            "examples": ["${parameters.delay}"],
        }
    }


def _name_a_block(form: Schema, blocks: Schema) -> None:
    """Exactly one block stands in the form, and its name is the kind."""
    form["properties"] |= blocks
    form["oneOf"] = [{"required": [kind]} for kind in blocks]


def _with(kind: str, block: Schema, definitions: Schema) -> Schema:
    needed = ["with"] if definitions[f"fault {kind}"].get("required") else []
    then = {"properties": {"with": _or_reference(block)}} | ({"required": needed} if needed else {})
    return {"if": {"properties": {"fault": {"const": kind}}, "required": ["fault"]}, "then": then}


def _blocks(definitions: Schema, forms: Mapping[str, type[BaseModel]], what: str) -> Schema:
    """Put the forms among the definitions, and give a reference to each, by kind."""
    references = {}
    for kind, form in forms.items():
        schema = _of(form)
        name = f"{what} {kind}"
        inner = {f"{name} {part}": _renamed(each, name) for part, each in schema.pop("$defs", {}).items()}
        definitions |= {name: _renamed(schema, name), **inner}
        description = (schema.get("description") or "").partition("\n")[0]
        references[kind] = {"$ref": f"{_DEFINITIONS}{name}", "description": description}
    return references


def _renamed(value: Any, prefix: str) -> Any:
    """With references to definitions that have got this prefix."""
    if isinstance(value, dict):
        renamed = {key: _renamed(part, prefix) for key, part in value.items()}
        if "$ref" in renamed:
            renamed["$ref"] = f"{_DEFINITIONS}{prefix} {renamed['$ref'].removeprefix(_DEFINITIONS)}"
        return renamed
    return [_renamed(each, prefix) for each in value] if isinstance(value, list) else value


def _open(form: Schema) -> Schema:
    """A form whose every field may also be a reference, which is filled in before the form is."""
    if "properties" not in form:
        return form
    fields = {name: _or_reference(field) for name, field in form["properties"].items()}
    return form | {"properties": fields}


def _or_reference(field: Schema) -> Schema:
    about = {key: part for key, part in field.items() if key in _ABOUT}
    said = {key: part for key, part in field.items() if key not in _ABOUT}
    if said in ({"type": "string"}, {}):
        return field
    if "items" in said:
        said["items"] = _or_reference(said["items"])
    return about | {"anyOf": [*said.pop("anyOf", ()), *([said] if said else ()), REFERENCE]}


def _without_nothing(value: Any) -> Any:
    """Without `null`: who has nothing to say about a field leaves it out. And without titles that repeat the name."""
    if isinstance(value, list):
        return [_without_nothing(each) for each in value if each != {"type": "null"}]
    if not isinstance(value, dict):
        return value
    kept = {key: _without_nothing(part) for key, part in value.items() if key != "default"}
    if value.get("default") is not None:
        kept["default"] = _as_written(value["default"], value.get("pattern", ""))
    if isinstance(kept.get("properties"), dict):  # a field that may be nothing else is planned, and refused
        kept["properties"] = {name: part for name, part in kept["properties"].items() if part.get("type") != "null"}
        for field in kept["properties"].values():
            field.pop("title", None)
    return _alone(kept)


def _as_written(default: Any, pattern: str) -> Any:
    """A default as an author would write it; pydantic has its own words for quantities."""
    if isinstance(default, dict):
        return {key: part for key, part in default.items() if part is not None}
    if pattern == f"^{DURATION.pattern}$":
        return in_words(_TIME.validate_python(default))
    if pattern == f"^{RATE.pattern}$":
        return f"{default:g}/s"
    if pattern == f"^{PERCENT.pattern}$":
        return f"{100 * default:g}%"
    if pattern == f"^{SIZE.pattern}$":
        return f"{default}Mi"
    return default


def _alone(schema: Schema) -> Schema:
    """One alternative is none."""
    choices = schema.get("anyOf", ())
    if len(choices) != 1:
        return schema
    (only,) = choices
    return {**only, **{key: part for key, part in schema.items() if key != "anyOf"}}


def _give_examples(whole: Schema) -> None:
    for form in (whole, *whole["$defs"].values()):
        for field in form.get("properties", {}).values():
            if "examples" not in field:
                field["examples"] = [example_of(field, whole["$defs"])]


def example_of(schema: Schema, definitions: Schema) -> Any:
    """A value that the schema takes, made from the examples of its parts."""
    if schema.get("examples"):
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    if schema.get("default") not in _EMPTY:
        return schema["default"]
    if schema.get("type") == "boolean":
        return True
    if "enum" in schema:
        return schema["enum"][0]
    if "$ref" in schema:
        return example_of(resolved(schema, definitions), definitions)
    if schema.get("anyOf"):
        return example_of(schema["anyOf"][0], definitions)
    if "items" in schema:
        return [example_of(schema["items"], definitions)]
    fields = schema.get("properties", {})
    return {name: example_of(fields[name], definitions) for name in _needed(schema)}


def resolved(schema: Schema, definitions: Schema) -> Schema:
    """The definition that a schema refers to, or the schema itself if it does not."""
    if "$ref" not in schema:
        return schema
    found: Schema = definitions[schema["$ref"].removeprefix(_DEFINITIONS)]
    return found


def _needed(schema: Schema) -> Iterator[str]:
    yield from schema.get("required", ())
    for choice in schema.get("oneOf", ())[:1]:
        yield from choice["required"]
    if not schema.get("required") and not schema.get("oneOf"):
        yield from list(schema.get("properties", ()))[:1]
