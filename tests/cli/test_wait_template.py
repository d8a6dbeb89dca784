"""The CI component: what it runs is a command line that `chaos-gate wait` takes, in the variables that GitLab sets."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from gate.cli.wait import wait
from gate.tracking.annotations import HINTS

TEMPLATE = Path(__file__).parents[2] / "templates" / "chaos-gate.yml"


@pytest.fixture(scope="module")
def component() -> tuple[dict, dict]:
    """The header with the inputs, and the job with `service` filled in and everything else at its default."""
    header, _, _ = TEMPLATE.read_text(encoding="utf-8").partition("\n---\n")
    inputs = yaml.safe_load(header)["spec"]["inputs"]
    values = {name: one.get("default") for name, one in inputs.items()} | {"service": "shop/checkout"}
    body = TEMPLATE.read_text(encoding="utf-8").partition("\n---\n")[2]
    filled = re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda found: values[found[1]], body)
    (job,) = yaml.safe_load(filled).values()
    return inputs, job


def test_its_script_is_a_command_line_that_the_command_takes(component) -> None:
    _, job = component
    (line,) = job["script"]
    program, command, *arguments = shlex.split(line)
    assert (program, command) == ("chaos-gate", "wait")
    with wait.make_context("wait", arguments) as context:
        assert context.params["url"] == "$CHAOS_GATE_URL"
        assert context.params["service"] == "shop/checkout"
        assert context.params["unsubscribed"] == "fail"
        reports = job["artifacts"]["reports"]
        assert {name: str(context.params[name]) for name in reports} == reports


def test_each_input_is_described_and_used(component) -> None:
    inputs, _ = component
    body = TEMPLATE.read_text(encoding="utf-8").partition("\n---\n")[2]
    assert all(one["description"] for one in inputs.values())
    assert set(re.findall(r"inputs\.([\w-]+)", body)) == set(inputs)


def test_it_neither_counts_as_a_deployment_nor_gives_way(component) -> None:
    _, job = component
    assert job["environment"] == {"name": "staging", "action": "verify"}
    assert job["artifacts"]["when"] == "always"
    assert "allow_failure" not in job


def test_the_job_says_who_it_is_in_the_variable_that_the_command_reads(component) -> None:
    _, job = component
    (name,) = job["id_tokens"]
    assert job["id_tokens"][name] == {"aud": "chaos-gate"}
    assert name in {option.envvar for option in wait.params}


def test_its_page_has_each_input_with_its_default(component) -> None:
    inputs, _ = component
    page = TEMPLATE.with_name("README.md").read_text(encoding="utf-8")
    said = dict(re.findall(r"^\| `([a-z-]+)` \| `?([^`|]+?)`? \|", page, re.MULTILINE))
    assert said == {name: str(one.get("default", "required")) for name, one in inputs.items()}


def test_the_deploy_job_of_its_page_writes_what_the_gate_reads() -> None:
    page = TEMPLATE.with_name("README.md").read_text(encoding="utf-8")
    written = dict(re.findall(r'(chaosgate\.dev/\w+)="(\$\w+)"', page))
    assert written == dict(HINTS)
