"""What is printed for a deploy job says the commit so that the gate can read it."""

import re
import subprocess

import pytest
from click.testing import CliRunner

from gate.cli.annotate import annotate
from gate.model import Commit
from gate.tracking.annotations import commit_from

SHA = "a" * 40
GITLAB = {"CI_PROJECT_PATH": "shop/checkout", "CI_COMMIT_SHA": SHA, "CI_PIPELINE_ID": "7", "CI_JOB_ID": "9"}
TOOLS = 'kubectl() { printf "%s\\n" "$@" >&2; }; helm() { printf "%s\\n" "$@" >&2; };'


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["checkout.yaml"],
        ["--form", "kustomize", "overlays/staging"],
        ["--form", "helm", "./charts/checkout", "--values", "deployment.annotations"],
    ],
)
def test_a_shell_with_gitlabs_variables_makes_annotations_of_it_that_the_gate_reads(arguments: list[str]) -> None:
    printed = CliRunner().invoke(annotate, arguments)
    assert printed.exit_code == 0, printed.output
    ran = subprocess.run(
        ["sh", "-c", TOOLS + printed.output], env=GITLAB, capture_output=True, text=True, check=True, timeout=60
    )
    said = [re.sub(r"^deployment\.annotations\.", "", line).replace("\\.", ".") for line in ran.stderr.splitlines()]
    annotations = dict(line.split("=", 1) for line in said if line.startswith("chaosgate.dev/"))
    assert commit_from(annotations) == Commit(project="shop/checkout", sha=SHA, pipeline=7, job=9)


def test_the_workload_is_written_once_with_its_image() -> None:
    for form in ("kubectl", "kustomize"):
        printed = CliRunner().invoke(annotate, ["--form", form]).output
        assert printed.count("kubectl apply") == 1
        assert "--local" in printed
