"""A policy that allows everything is warned of, part by part, where it says so."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from gate.cli import cli
from gate.documents.boundless import boundless
from gate.documents.loading import load
from gate.sandbox.shipped import policy as of_the_demo
from gate.wire.policies import NOTHING

HEAD = "apiVersion: chaosgate.dev/v1alpha1\nkind: Policy\nmetadata: {name: p}\nspec:\n"


def warned(text: str) -> list[tuple[int, str]]:
    loaded = load((HEAD + text).encode(), "policy.yaml", NOTHING)
    assert [str(each) for each in loaded.problems] == []
    return [(each.place.line, each.path) for each in boundless(loaded.policies[0])]


@pytest.mark.parametrize(
    "text",
    [
        "  {}\n",
        "  blastRadius: [{pods: 1}, {faults: [job]}]\n",
        "  blastRadius: [{leaveReady: 1}]\n",
        '  when: {windows: [{from: "00:00", to: "24:00", days: [Mon]}]}\n',
        '  when: {windows: [{from: "00:00", to: "12:00"}, {from: "12:01", to: "24:00"}]}\n',
        '  when: {windows: [{to: "12:00"}, {from: "12:00", days: [Mon, Tue, Wed, Thu, Fri, Sat]}]}\n',
        '  blastRadius: [{pods: 1, nodes: ["pool-*"]}]\n',
        "  ownership: [{team: a, paths: [a/*], namespaces: [shop-*]}]\n",
        '  images: {registries: ["registry.example.org/*"]}\n',
    ],
)
def test_what_is_bounded_somehow_is_not_warned_of(text: str) -> None:
    assert warned(text) == []


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("  namespaces: {optIn: false}\n", "spec.namespaces.optIn"),
        ("  blastRadius: [{time: 5m}]\n", "spec.blastRadius"),
        ("  blastRadius: [{faults: [pod-kill], pods: 1}, {}]\n", "spec.blastRadius"),
        ('  when: {windows: [{from: "09:00"}, {from: "00:00"}]}\n', "spec.when.windows"),
        ('  when: {windows: [{from: "00:00", to: "12:00"}, {from: "12:00", to: "24:00"}]}\n', "spec.when.windows"),
        ('  when: {windows: [{from: "22:00", to: "06:00"}, {from: "05:00", to: "22:00"}]}\n', "spec.when.windows"),
        ('  blastRadius: [{pods: 1, nodes: ["*"]}]\n', "spec.blastRadius[0].nodes"),
        ('  images: {registries: ["a/*"], privileged: ["*"]}\n', "spec.images.privileged"),
        ('  ownership: [{team: a, paths: [a/*], namespaces: ["*"]}]\n', "spec.ownership[0].namespaces"),
        ('  images: {registries: ["*"]}\n', "spec.images.registries"),
    ],
)
def test_what_allows_everything_is_warned_of_with_its_place(text: str, path: str) -> None:
    assert warned(text) == [(5, path)]


def test_lint_warns_of_the_policy_of_the_demo_and_does_not_refuse_it() -> None:
    found = CliRunner(env={"CHAOS_GATE_POLICY": None}).invoke(cli, ["lint", str(of_the_demo())])
    assert found.exit_code == 0, found.output
    assert "no rule bounds pods or percent: a fault may hit all pods of a workload" in found.output
    assert "this is the whole week: chaos may be at any time" in found.output
    assert "1 documents, 0 errors, 3 warnings" in found.output


def test_a_gate_that_reads_such_a_policy_logs_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from gate.wire.policies import read_policy

    file = tmp_path / "policy.yaml"
    file.write_text(HEAD + "  namespaces: {optIn: false}\n")
    read_policy(file)
    (said,) = [each.getMessage() for each in caplog.records if each.getMessage().startswith("policy.wide")]
    assert f"place={file}:5" in said
    assert "spec.namespaces.optIn: any namespace" in said
