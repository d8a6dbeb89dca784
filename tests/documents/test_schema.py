"""Schemas and lint agree: what lint takes, editors take; every field says what it is and shows how it looks."""

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from gate.cli.new import KINDS, new
from gate.cli.schema import schema as command
from gate.documents.loading import load
from gate.documents.reference import Reference
from gate.documents.schema import FORMS, Schema, example_of, schema_of
from gate.wire.vocabulary import vocabulary

PROJECT = Path(__file__).parents[2]
WORDS = vocabulary()
SCHEMAS = {kind: schema_of(kind, WORDS) for kind in FORMS}

WORKFLOW: dict[str, Any] = {
    "apiVersion": "chaosgate.dev/v1alpha1",
    "kind": "Workflow",
    "metadata": {"name": "w"},
    "spec": {
        "steadyState": [{"name": "up", "http": {"url": "http://a.b/"}, "expect": {"status": 200}}],
        "steps": [{"name": "s", "fault": "pod-kill", "with": {"count": 1}, "hold": "5s", "recover": "5s"}],
    },
}


def fields(schema: Schema) -> Iterator[tuple[str, Schema, Schema]]:
    for name, form in {"": schema, **schema["$defs"]}.items():
        for field, about in form.get("properties", {}).items():
            yield f"{name}.{field}", about, form


def refused(kind: str, document: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(SCHEMAS[kind]).iter_errors(document)]


def changed(part: str, **fields: Any) -> dict[str, Any]:
    """The workflow with other fields in its first step or probe."""
    spec = WORKFLOW["spec"]
    return WORKFLOW | {"spec": spec | {part: [spec[part][0] | fields]}}


@pytest.mark.parametrize("kind", FORMS)
def test_a_schema_is_one_and_has_a_description_and_an_example_for_every_field(kind: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[kind])
    for name, about, _ in fields(SCHEMAS[kind]):
        assert about.get("description"), name
        assert about["examples"], name


@pytest.mark.parametrize("kind", FORMS)
def test_an_example_is_what_its_field_takes(kind: str) -> None:
    for name, about, _ in fields(SCHEMAS[kind]):
        for example in about["examples"]:
            field = about | {"$defs": SCHEMAS[kind]["$defs"]}
            assert not list(Draft202012Validator(field).iter_errors(example)), name


@pytest.mark.parametrize("kind", FORMS)
def test_the_examples_together_are_a_document_that_lint_takes(kind: str) -> None:
    document = example_of(SCHEMAS[kind], SCHEMAS[kind]["$defs"])
    loaded = load(yaml.safe_dump(document).encode(), "example.yaml", WORDS)
    assert (loaded.documents, loaded.problems) == (1, ())


def test_the_example_of_every_block_is_what_its_kind_takes() -> None:
    workflow = SCHEMAS["Workflow"]["$defs"]
    blocks = {f"fault {kind}": form for kind, form in WORDS.faults.items()}
    blocks |= {f"load {kind}": form for kind, form in WORDS.loads.items()}
    blocks |= {f"probe {kind}": forms.settings for kind, forms in WORDS.probes.items()}
    blocks |= {f"expect {kind}": forms.expect for kind, forms in WORDS.probes.items()}
    for name, form in blocks.items():
        form.model_validate(example_of(workflow[name], workflow))


@pytest.mark.parametrize(
    "file", sorted(PROJECT.glob("subscriptions/*.yaml")) + sorted(PROJECT.glob("workflows/*.yaml"))
)
def test_the_documents_of_this_project_are_what_the_schema_takes(file: Path) -> None:
    for document in yaml.safe_load_all(file.read_text()):
        assert refused(document["kind"], document) == []


@pytest.mark.parametrize("file", sorted(PROJECT.glob("[sw]*s/*.yaml")))
def test_editors_find_the_schema_of_each_sample_that_is_of_one_kind(file: Path) -> None:
    kinds = {document["kind"].lower() for document in yaml.safe_load_all(file.read_text())}
    if len(kinds) == 1:
        (kind,) = kinds
        assert file.read_text().startswith(f"# yaml-language-server: $schema=../{kind}.schema.json\n")
    else:
        assert "yaml-language-server" not in file.read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_what_there_is_to_begin_with_is_right_for_lint_and_for_editors(kind: str) -> None:
    printed = CliRunner().invoke(new, [kind])
    assert printed.output == (files("gate.documents") / "beginnings" / f"{kind}.yaml").read_text()
    loaded = load(printed.output.encode(), f"{kind}.yaml", WORDS)
    assert (loaded.documents, loaded.problems) == (1, ())
    assert refused(kind.capitalize(), yaml.safe_load(printed.output)) == []
    assert printed.output.startswith(f"# yaml-language-server: $schema={kind}.schema.json\n")


@pytest.mark.parametrize(
    "document",
    [
        WORKFLOW,
        changed("steps", hold="${parameters.hold}"),
        changed("steps", **{"with": {"count": "${parameters.count}"}}),
        changed("steps", fault="a-fault-of-the-catalogue", **{"with": {"anything": 1}}),
        changed("steadyState", every="${parameters.every}", weight="${parameters.weight}"),
        changed("steadyState", when=["during", "${parameters.window}"]),
        changed("steadyState", expect="${parameters.expect}"),
    ],
)
def test_a_workflow_may_have_references_and_faults_of_the_catalogue(document: dict[str, Any]) -> None:
    assert refused("Workflow", document) == []


@pytest.mark.parametrize(
    "document",
    [
        changed("steps", hold=5),
        changed("steps", holds="5s"),
        changed("steps", **{"with": {"cout": 1}}),
        changed("steps", fault="scale", **{"with": {"to": "none"}}),
        changed("steadyState", tcp={"host": "a", "port": 1}),
        changed("steadyState", expect={"state": 200}),
        changed("steadyState", weight=0),
        {**WORKFLOW, "kind": "Workflows"},
    ],
)
def test_what_lint_refuses_an_editor_shows(document: dict[str, Any]) -> None:
    assert refused("Workflow", document)
    assert load(yaml.safe_dump(document).encode(), "w.yaml", WORDS).problems


def test_the_reference_page_is_what_the_forms_say() -> None:
    page = Reference.of(WORDS).page
    written = (PROJECT / "docs" / "reference.md").read_text()
    assert written == page, "chaos-gate schema --output markdown > docs/reference.md"


@pytest.mark.parametrize(
    ("path", "link"),
    [
        ("spec.steps[0].hold", "docs/reference.md#spec-steps-hold"),
        ("spec.steadyState[1].http.url", "docs/reference.md#probe-http-url"),
        ("spec.load[0].locust.users", "docs/reference.md#load-locust-users"),
        ("spec.job.image", "docs/reference.md#fault-job-image"),
        ("spec.steps[0].with.count", "docs/reference.md#spec-steps-with"),
        ("spec.enviroment", "docs/reference.md"),
        ("", "docs/reference.md"),
    ],
)
def test_a_link_goes_to_the_field_or_to_what_it_lies_in(path: str, link: str) -> None:
    assert Reference.of(WORDS).link(path) == link


def test_the_command_prints_a_schema_and_asks_for_a_kind() -> None:
    assert json.loads(CliRunner().invoke(command, ["workflow"]).output) == SCHEMAS["Workflow"]
    asked = CliRunner().invoke(command, [])
    assert asked.exit_code == 2
    assert "name a kind of document, one of subscription, workflow, fault" in asked.output
