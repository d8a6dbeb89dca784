"""`chaos-gate policy explain`: yes, no or not now, and which rule says so."""

import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gate.cli.policy import Exit, policy
from gate.errors import GateError

OPERATORS = Path(__file__).parents[2] / "docs" / "operators.md"
HEAD = "apiVersion: chaosgate.dev/v1alpha1\nkind: Policy\nmetadata: {name: p}\nspec:\n"


def explain(*arguments: str) -> Result:
    return CliRunner(env={"CHAOS_GATE_POLICY": None}).invoke(policy, ["explain", *arguments])


@pytest.fixture
def documented(tmp_path: Path) -> Path:
    """The policy of the operators' page."""
    (chapter,) = re.findall(r"^## The policy$(.*?)(?=^## )", OPERATORS.read_text(), re.MULTILINE | re.DOTALL)
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", chapter, re.MULTILINE | re.DOTALL)
    file = tmp_path / "policy.yaml"
    file.write_text(text)
    return file


def test_the_command_of_the_operators_page_is_held_back_by_the_date(documented: Path) -> None:
    (command,) = re.findall(r"^chaos-gate policy explain (--.*)$", OPERATORS.read_text(), re.MULTILINE)
    found = explain(*[str(documented) if word == "policy.yaml" else word for word in shlex.split(command)])
    assert found.exit_code == Exit.NOT_NOW
    assert found.output.startswith("not now: pod-kill in the namespace shop, Thu 2026-12-24 10:00 CET\n")
    line = documented.read_text().partition("    dates:")[0].count("\n") + 1
    assert f"wait   spec.when.dates: 2026-12-24 is a day on which nothing is done ({documented}:{line})" in found.output
    assert found.output.endswith("it may be from Mon 2027-01-04 09:00 CET\n")


@pytest.mark.parametrize(
    ("asked", "code", "rule"),
    [
        ("--team payments --fault pod-kill -n shop --at 2026-12-23T10:00", Exit.YES, "spec.ownership[0]"),
        ("--team payments --fault scale -n shop --at 2026-12-23T10:00", Exit.NO, "spec.ownership[0]"),
        ("--team payments --fault pod-kill -n bank --at 2026-12-23T10:00", Exit.NO, "spec.ownership[0]"),
        ("--team nobody --fault pod-kill -n shop --at 2026-12-23T10:00", Exit.NO, "spec.ownership"),
        ("--document subscriptions/payments/a.yaml --fault pod-kill -n shop --at 2026-12-23T10:00", Exit.YES, "spec.o"),
        ("--document subscriptions/else/a.yaml --fault pod-kill -n shop --at 2026-12-23T10:00", Exit.NO, "spec.owner"),
        ("--fault pod-kill -n payments-prod --at 2026-12-23T10:00", Exit.NO, "spec.namespaces"),
        ("--fault pod-kill -n kube-system --at 2026-12-23T10:00", Exit.NO, "spec.namespaces"),
        ("--fault pod-kill -n shop --not-opted-in --at 2026-12-23T10:00", Exit.NO, "spec.namespaces"),
        ("--fault pod-kill -n shop --pods 1 --of 2 --at 2026-12-23T10:00", Exit.YES, "spec.blastRadius[0]"),
        ("--fault pod-kill -n shop --pods 2 --of 6 --at 2026-12-23T10:00", Exit.YES, "spec.blastRadius[0]"),
        ("--fault pod-kill -n shop --pods 2 --of 5 --at 2026-12-23T10:00", Exit.NO, "spec.blastRadius[0]"),
        ("--fault pod-kill -n shop --hold 6m --at 2026-12-23T10:00", Exit.NO, "spec.blastRadius[0]"),
        ("--fault job -n shop --at 2026-12-23T10:00", Exit.NO, "spec.blastRadius[1]"),
        ("--fault node-drain -n shop --node a --at 2026-12-23T10:00", Exit.NO, "spec.blastRadius"),
        ("--fault pod-kill -n shop --at 2026-12-23T16:00", Exit.NOT_NOW, "spec.when.windows[0]"),
        ("--fault pod-kill -n shop --at 2027-01-03T23:59", Exit.NOT_NOW, "spec.when.freezes[0]"),
        ("--fault pod-kill -n shop --at 2026-12-23T16:00+02:00", Exit.YES, "spec.when.windows[0]"),
    ],
)
def test_each_answer_is_an_exit_code_and_names_the_rule(documented: Path, asked: str, code: int, rule: str) -> None:
    found = explain("--policy", str(documented), "--output", "json", *shlex.split(asked))
    assert found.exit_code == code, found.output
    said = json.loads(found.output)
    words = {Exit.YES: "allow", Exit.NO: "deny", Exit.NOT_NOW: "wait"}
    assert said["answer"] == words[Exit(code)]
    assert [each for each in said["rules"] if each["rule"].startswith(rule) and each["word"] == said["answer"]]


def test_without_a_policy_the_safe_default_answers() -> None:
    found = explain("--fault", "pod-kill", "--namespace", "shop", "--at", "2026-12-24 10:00")
    assert (found.exit_code, found.output.count("(the safe default)")) == (Exit.YES, 3)
    assert explain("--fault", "job", "--namespace", "shop", "--at", "2026-12-24 10:00").exit_code == Exit.NO
    assert explain("--fault", "pod-kill", "--namespace", "shop", "--at", "2026-12-26 10:00").exit_code == Exit.NOT_NOW


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(f'{HEAD}  when: {{windows: [{{days: [Fri], from: "22:00", to: "04:00"}}]}}\n')
    asked = ("--policy", str(file), "--fault", "pod-kill", "-n", "shop", "--at")
    assert explain(*asked, "2026-12-25 23:00").exit_code == Exit.YES  # a Friday
    assert explain(*asked, "2026-12-26 03:59").exit_code == Exit.YES
    assert explain(*asked, "2026-12-26 04:00").exit_code == Exit.NOT_NOW
    assert explain(*asked, "2026-12-25 03:00").exit_code == Exit.NOT_NOW


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("  timeZone: Mars/Olympus\n", 'spec.timeZone: "Mars/Olympus" is no time zone'),
        ("  when: {windows: [{days: [Monday]}]}\n", "spec.when.windows[0].days[0]"),
        ('  when: {windows: [{from: "9:00"}]}\n', "spec.when.windows[0].from"),
        ("  when: {freezes: [{from: 2026-12-20, to: 2026-12-19}]}\n", "before it begins"),
        ('  when: {freezes: [{from: "2026-12-20T10:00", to: "2026-12-20T09:00"}]}\n', "before it begins"),
        ("  when: {freezes: [{from: 2026-12-20, to: 9999-12-31}]}\n", "is later than the year 9000"),
        ("  when: {notDuring: [{alerts: [a]}]}\n", "either prometheus or alertmanager"),
        ("  blastRadius: []\n", "spec.blastRadius: must not be empty"),
        ("  blastradius: []\n", "did you mean blastRadius?"),
    ],
)
def test_a_policy_with_a_mistake_is_refused_with_its_place(tmp_path: Path, spec: str, why: str) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(HEAD + spec)
    found = explain("--policy", str(file), "--fault", "pod-kill", "--namespace", "shop")
    assert isinstance(found.exception, GateError)
    assert str(found.exception).startswith(f"{file}:")
    assert why in str(found.exception)


def test_on_public_holidays_of_a_country_or_a_part_of_it_nothing_begins(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(f"{HEAD}  when: {{holidays: [{{country: DE, subdivision: BY}}]}}\n")
    found = explain("--policy", str(file), "--fault", "pod-kill", "-n", "shop", "--at", "2026-06-04 10:00")
    assert found.exit_code == Exit.NOT_NOW
    assert re.search(r"spec\.when\.holidays\[0\]: 2026-06-04 is \w+", found.output)
    assert "may be from Fri 2026-06-05 09:00 UTC" in found.output
    elsewhere = ("--policy", str(file), "--fault", "pod-kill", "-n", "shop", "--at", "2026-06-03 10:00")
    assert explain(*elsewhere).exit_code == Exit.YES


@pytest.mark.parametrize("country", ["{country: XX}", "{country: DE, subdivision: Bavaria}"])
def test_a_country_that_nobody_knows_is_refused(tmp_path: Path, country: str) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(f"{HEAD}  when: {{holidays: [{country}]}}\n")
    found = explain("--policy", str(file), "--fault", "pod-kill", "-n", "shop")
    assert "there are no holidays of" in str(found.exception)
