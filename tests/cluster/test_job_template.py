"""What administrators add to the Jobs that execute runs: taken as it is, and refused where it is the gate's to say."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from gate.cluster.executor_jobs import CREDENTIALS, Outfit, job_for
from gate.cluster.job_template import JobTemplate, read_template
from gate.cluster.runs import run_from
from gate.config import Settings
from gate.errors import GateError, Permanent
from gate.wire.acting import outfit_of
from gate.wire.policing import policy_of
from tests.cluster.test_executor_jobs import NOW
from tests.cluster.test_reaping import SPEC_OF_A_RUN
from tests.grounds import Ground

OPERATORS = Path(__file__).parents[2] / "docs" / "operators.md"
SETTINGS = {
    "CHAOS_GATE_CATALOGUE": "https://gitlab.example.org/chaos.git",
    "CHAOS_GATE_EXECUTOR": "job",
    "CHAOS_GATE_JOB_IMAGE": "web:1",
}


def example() -> str:
    """The template of the operators' page."""
    blocks = re.findall(r"^```yaml\n(.*?)^```$", OPERATORS.read_text(), re.MULTILINE | re.DOTALL)
    (found,) = (text for text in blocks if "name: executor" in text)
    return found


def written(folder: Path, text: str) -> Path:
    file = folder / "template.yaml"
    file.write_text(text)
    return file


def outfit(folder: Path, text: str, **more: str) -> Outfit:
    file = written(folder, text)
    settings = Settings.read({**SETTINGS, "CHAOS_GATE_JOB_TEMPLATE": str(file), **more})
    return outfit_of(settings, policy_of(settings))


def job(cluster: Ground, namespace: str, dressed: Outfit) -> dict[str, Any]:
    """One that the server has taken, with every field that it knows."""
    body: dict[str, Any] = {
        "apiVersion": "chaosgate.dev/v1alpha1",
        "kind": "ChaosRun",
        "metadata": {"name": "run"},
        "spec": SPEC_OF_A_RUN,
    }
    made = job_for(run_from(cluster.api.create("chaosruns", namespace, body)), 1, dressed, NOW)
    made["spec"]["suspend"] = True
    return cluster.api.create("jobs", namespace, made, strict=True)


def test_the_example_of_the_page_is_what_a_job_has_beside_what_it_has_in_any_case(
    cluster: Ground, namespace: str, tmp_path: Path
) -> None:
    (tmp_path / "credentials").mkdir()
    dressed = outfit(tmp_path, example(), CHAOS_GATE_CREDENTIALS=str(tmp_path / "credentials"))
    template = job(cluster, namespace, dressed)["spec"]["template"]
    pod = template["spec"]
    (container,) = pod["containers"]
    wanted = yaml.safe_load(example())
    (added,) = wanted["spec"]["containers"]
    assert template["metadata"]["labels"].items() >= wanted["metadata"]["labels"].items()
    assert template["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "chaos-gate"
    assert pod["securityContext"] == wanted["spec"]["securityContext"]
    assert (container["resources"], container["securityContext"]) == (added["resources"], added["securityContext"])
    assert {"CHAOS_GATE_EVIDENCE": "/evidence", "CHAOS_GATE_KEEP_EVIDENCE": "2592000s"}.items() <= {
        each["name"]: each["value"] for each in container["env"]
    }.items()
    assert [each["name"] for each in pod["volumes"]] == ["evidence", "credentials"]
    assert pod["volumes"][1]["secret"]["secretName"] == CREDENTIALS
    assert [each["name"] for each in container["volumeMounts"]] == ["evidence", "credentials"]
    assert (container["name"], container["image"], container["args"][0]) == ("executor", "web:1", "execute")
    assert (pod["restartPolicy"], pod["serviceAccountName"]) == ("Never", "chaos-gate-executor")


def test_a_field_that_lies_deeper_is_refused_by_the_server(cluster: Ground, namespace: str, tmp_path: Path) -> None:
    dressed = outfit(tmp_path, "spec: {securityContext: {runAsNonRot: true}}")
    with pytest.raises(Permanent, match=r'unknown field "spec\.template\.spec\.securityContext\.runAsNonRot"'):
        job(cluster, namespace, dressed)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[]", "it is no mapping; write metadata, spec and so on there"),
        ("spec: {replicas: 2}", "spec.replicas is not to be said here"),
        ("spec: {serviceAccountName: admin}", "spec.serviceAccountName is not to be said here"),
        ("spec: {nodeSelectr: {}}", "spec.nodeSelectr is not to be said here; did you mean nodeSelector?"),
        ("spec: {volumes: {}}", "spec.volumes is no list"),
        ("spec: {securityContext: strict}", "spec.securityContext is no mapping"),
        ("metadata: {name: mine}", "metadata.name is not to be said here"),
        ("metadata: {labels: {chaosgate.dev/run: other}}", "metadata.labels: chaosgate.dev/run is the gate's to set"),
        ("spec: {containers: [{name: executor, image: mine}]}", "spec.containers[0].image is not to be said here"),
        ("spec: {containers: [{name: mine}]}", "spec.containers[0].name is 'mine'; write \"executor\""),
        ("spec: {containers: [a]}", "spec.containers[0] is no mapping"),
        (
            "spec: {containers: [{name: executor}, {name: proxy}]}",
            "spec.containers has 2 entries; there is one container, executor",
        ),
        ("spec: {containers: [{name: executor, env: [{value: a}]}]}", "spec.containers[0].env[0] has no name"),
        (
            "spec: {containers: [{name: executor, env: [{name: CHAOS_GATE_NODES, value: a}]}]}",
            "spec.containers[0].env[0]: CHAOS_GATE_NODES is the gate's to set; set it for the gate",
        ),
        ("a: {}\n---\nb: {}\n", "holds 2 documents; write one, with `metadata` and `spec` of a pod"),
        ("spec: [", "template.yaml:"),
        ("spec: {}\nspec: {}\n", "template.yaml:2"),
    ],
)
def test_what_is_not_to_be_said_there_is_refused_with_its_place(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(GateError) as raised:
        outfit(tmp_path, text)
    assert complaint in str(raised.value)
    assert str(tmp_path / "template.yaml") in str(raised.value)


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(GateError, match=r"hostNetwork .*; .*restartPolicy"):
        read_template(written(tmp_path, "spec: {hostNetwork: true, restartPolicy: Always}"), ())


def test_nothing_but_an_empty_mapping_adds_nothing(tmp_path: Path) -> None:
    assert read_template(written(tmp_path, "{}"), ()) == JobTemplate()


def test_a_template_that_is_not_there_keeps_the_gate_from_starting() -> None:
    with pytest.raises(GateError, match=r"CHAOS_GATE_JOB_TEMPLATE: nowhere\.yaml is no file that can be read"):
        Settings.read({**SETTINGS, "CHAOS_GATE_JOB_TEMPLATE": "nowhere.yaml"})
