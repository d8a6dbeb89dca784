"""Custom resources are served, completed and validated as their definitions say."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from kube_samples import Client, definition, widget

from gate.sandbox.kubernetes.cluster import Kubernetes

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
WIDGETS = "/apis/example.com/v1/namespaces/default/widgets"
MERGE = "application/merge-patch+json"

SPEC = {
    "type": "object",
    "required": ["size"],
    "properties": {
        "size": {"type": "integer", "minimum": 1, "maximum": 9},
        "color": {"type": "string", "enum": ["red", "blue"], "default": "red"},
        "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5},
        "until": {"type": "string", "format": "date-time"},
        "share": {"x-kubernetes-int-or-string": True},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "tags": {"type": "object", "additionalProperties": {"type": "string"}},
        "parts": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["id"],
            "items": {
                "type": "object",
                "required": ["id"],
                "properties": {"id": {"type": "string"}, "weight": {"type": "integer", "default": 1}},
            },
        },
    },
}


@pytest.fixture
def client() -> Iterator[Client]:
    with Kubernetes() as kubernetes:
        made = Client(kubernetes.admin_url)
        columns = [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}]
        subresources = {"status": {}, "scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size"}}
        version = {"additionalPrinterColumns": columns, "subresources": subresources}
        made.create(DEFINITIONS, definition(SPEC, **version))
        yield made
        made.close()


def test_a_definition_is_established_and_its_resource_discovered(client: Client) -> None:
    conditions = client.get(f"{DEFINITIONS}/widgets.example.com")["status"]["conditions"]
    assert {each["type"]: each["status"] for each in conditions} == {"NamesAccepted": "True", "Established": "True"}
    (row, *_) = client.get("/apis/example.com/v1")["resources"]
    assert (row["name"], row["shortNames"]) == ("widgets", ["wi"])


def test_defaults_are_filled_in_and_unknown_fields_dropped(client: Client) -> None:
    made = client.create(WIDGETS, widget(size=1, mystery=1, free={"any": "thing"}, parts=[{"id": "a"}]))
    expected = {"size": 1, "color": "red", "free": {"any": "thing"}, "parts": [{"id": "a", "weight": 1}]}
    assert made["spec"] == expected


def test_unknown_fields_are_refused_when_asked(client: Client) -> None:
    answer = client.ask("POST", WIDGETS, widget(size=1, mystery=1), fieldValidation="Strict")
    assert answer.status_code == 400
    assert 'unknown field "spec.mystery"' in answer.json()["message"]


@pytest.mark.parametrize(
    ("spec", "field", "words"),
    [
        ({}, "spec.size", "Required value"),
        ({"size": "1"}, "spec.size", 'must be of type integer: "string"'),
        ({"size": True}, "spec.size", 'must be of type integer: "boolean"'),
        ({"size": 0}, "spec.size", "should be greater than or equal to 1"),
        ({"size": 10}, "spec.size", "should be less than or equal to 9"),
        ({"size": 1, "color": "green"}, "spec.color", 'Unsupported value: "green": supported values: "red", "blue"'),
        ({"size": 1, "name": "A"}, "spec.name", "should match '^[a-z]+$'"),
        ({"size": 1, "name": "abcdef"}, "spec.name", "Too long: may not be more than 5 bytes"),
        ({"size": 1, "until": "tomorrow"}, "spec.until", "must be of type date-time"),
        ({"size": 1, "share": []}, "spec.share", 'must be of type integer,string: "array"'),
        ({"size": 1, "tags": {"a": 1}}, "spec.tags.a", 'must be of type string: "integer"'),
        ({"size": 1, "parts": [{"id": "a"}, {"id": "a"}]}, "spec.parts[1]", "Duplicate value"),
    ],
)
def test_a_wrong_object_is_refused_with_its_field(
    client: Client, spec: dict[str, object], field: str, words: str
) -> None:
    answer = client.ask("POST", WIDGETS, widget(**spec))
    assert answer.status_code == 422, answer.text
    (cause,) = answer.json()["details"]["causes"]
    assert cause["field"] == field
    assert words in cause["message"]


@pytest.mark.parametrize("share", [5, "50%"])
def test_a_number_or_text_is_either(client: Client, share: object) -> None:
    assert client.create(WIDGETS, widget(size=1, share=share))["spec"]["share"] == share


def test_status_and_spec_are_written_apart_and_only_the_spec_counts(client: Client) -> None:
    client.create(WIDGETS, widget(size=1) | {"status": {"size": 3}})
    assert "status" not in client.get(f"{WIDGETS}/w")
    done = client.ask("PATCH", f"{WIDGETS}/w/status", {"spec": {"size": 4}, "status": {"x": 1}}, media=MERGE).json()
    assert (done["spec"]["size"], done["metadata"]["generation"]) == (1, 1)
    changed = client.ask("PATCH", f"{WIDGETS}/w", {"spec": {"size": 4}}, media=MERGE).json()
    assert (changed["spec"]["size"], changed["metadata"]["generation"]) == (4, 2)


def test_a_custom_object_scales_where_its_definition_says(client: Client) -> None:
    client.create(WIDGETS, widget(size=2))
    assert client.get(f"{WIDGETS}/w/scale")["spec"] == {"replicas": 2}
    client.ask("PATCH", f"{WIDGETS}/w/scale", {"spec": {"replicas": 3}}, media=MERGE)
    assert client.get(f"{WIDGETS}/w")["spec"]["size"] == 3


def test_printer_columns_are_printed(client: Client) -> None:
    client.create(WIDGETS, widget(size=2))
    table = client.get(WIDGETS, headers={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"})
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Size"]
    assert table["rows"][0]["cells"] == ["w", 2]


def test_strategic_merge_is_not_for_custom_resources(client: Client) -> None:
    client.create(WIDGETS, widget(size=2))
    answer = client.ask("PATCH", f"{WIDGETS}/w", {}, media="application/strategic-merge-patch+json")
    assert answer.status_code == 415


def test_a_replacement_has_to_name_its_version(client: Client) -> None:
    client.create(WIDGETS, widget(size=2))
    answer = client.ask("PUT", f"{WIDGETS}/w", widget(size=3))
    assert (answer.status_code, "must be specified for an update" in answer.text) == (422, True)


def test_a_changed_definition_is_in_force_at_once(client: Client) -> None:
    path = f"{DEFINITIONS}/widgets.example.com"
    present = client.get(path)
    present["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["size"][
        "maximum"
    ] = 99
    assert client.ask("PUT", path, present).status_code == 200
    client.create(WIDGETS, widget(size=50))


def test_a_definition_takes_its_objects_with_it() -> None:
    with Kubernetes() as kubernetes, kubernetes.store.subscribe() as watch:
        client = Client(kubernetes.admin_url)
        client.create(DEFINITIONS, definition())
        client.create(WIDGETS, widget())
        client.ask("DELETE", f"{DEFINITIONS}/widgets.example.com")
        gone = []
        while len(gone) < 2 and (change := watch.next(5)) is not None:
            if change.type == "DELETED":
                gone.append(change.resource.kind)
        assert gone == ["Widget", "CustomResourceDefinition"]
        assert client.ask("GET", WIDGETS).status_code == 404
        client.close()


def test_definitions_from_files_are_served_from_the_beginning(tmp_path: Path) -> None:
    file = tmp_path / "widgets.yaml"
    file.write_text(yaml.safe_dump(definition()))
    with Kubernetes(crds=[file]) as kubernetes:
        client = Client(kubernetes.admin_url)
        assert client.get(WIDGETS)["kind"] == "WidgetList"
        client.close()


def test_a_definition_that_could_not_be_served_is_refused(client: Client) -> None:
    broken = definition(additionalPrinterColumns=[{"name": "Size"}], subresources={"scale": {}})
    broken["metadata"]["name"] = "gadgets.example.com"
    broken["spec"]["names"] = {"plural": "gadgets", "kind": "Gadget"}
    answer = client.ask("POST", DEFINITIONS, broken)
    fields = {cause["field"].removeprefix("spec.versions[0].") for cause in answer.json()["details"]["causes"]}
    assert answer.status_code == 422
    assert fields == {
        "additionalPrinterColumns[0].type",
        "additionalPrinterColumns[0].jsonPath",
        "subresources.scale.specReplicasPath",
        "subresources.scale.statusReplicasPath",
    }


@pytest.mark.parametrize("metadata", [5, "x", {"labels": {"a": 5}}])
def test_nonsense_in_the_metadata_of_a_custom_object_is_a_bad_request(client: Client, metadata: object) -> None:
    assert client.ask("POST", WIDGETS, widget(size=1) | {"metadata": metadata}).status_code == 400
