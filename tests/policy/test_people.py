"""Who may do what by hand: one rule that grants it is enough, and nobody else may."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from gate.cli.policy import Exit, policy
from gate.errors import GateError, Permanent
from gate.policy.people import Deed, Person, may
from gate.policy.question import Word
from gate.policy.rules import Policy
from gate.wire.people import manifests
from gate.wire.policies import parsed

HEAD = "apiVersion: chaosgate.dev/v1alpha1\nkind: Policy\nmetadata: {name: p}\nspec:\n"
PEOPLE = """\
  ownership:
    - {team: payments, paths: [payments/*], namespaces: [shop, shop-*]}
  people:
    - {role: viewer, groups: [everybody]}
    - {role: developer, team: payments, groups: [payments]}
    - {role: sre, groups: [sre], may: [abort, mode]}
    - {role: administrator, users: [jane]}
"""
RULES = parsed((HEAD + PEOPLE).encode(), "policy.yaml")


def word(deed: Deed, namespace: str = "shop", user: str = "", *groups: str) -> Word:
    return may(RULES, Person(user=user, groups=groups), deed, namespace).word


@pytest.mark.parametrize(
    ("group", "deeds"),
    [
        ("everybody", {Deed.LOOK}),
        ("payments", {Deed.LOOK, Deed.RUN, Deed.ABORT}),
        ("sre", {Deed.LOOK, Deed.ABORT, Deed.MODE}),
        ("strangers", set()),
    ],
)
def test_each_group_may_what_its_role_or_its_rule_says(group: str, deeds: set[Deed]) -> None:
    assert {deed for deed in Deed if word(deed, "shop-eu", "", group) is Word.ALLOW} == deeds


def test_an_administrator_may_everything_and_is_known_by_name() -> None:
    assert {word(deed, "bank", "jane") for deed in Deed} == {Word.ALLOW}
    assert {word(deed, "bank", "joe") for deed in Deed} == {Word.DENY}


def test_a_developer_acts_in_the_namespaces_of_the_team_alone_and_looks_anywhere() -> None:
    assert word(Deed.RUN, "bank", "", "payments") is Word.DENY
    assert word(Deed.LOOK, "bank", "", "payments") is Word.ALLOW
    (ruling,) = may(RULES, Person(groups=("payments",)), Deed.RUN, "bank").rulings
    assert str(ruling) == (
        "a developer of payments may run in shop, shop-* only, not in bank (policy.yaml:9: spec.people[1])"
    )


def test_of_several_groups_one_that_may_is_enough() -> None:
    assert word(Deed.MODE, "", "", "everybody", "sre") is Word.ALLOW


def test_without_people_nobody_has_been_granted_anything() -> None:
    answer = may(Policy(), Person(user="jane"), Deed.RUN, "shop")
    assert "no rule is about jane" in str(answer.rulings[0])
    with pytest.raises(Permanent, match="names no people"):
        manifests(Policy(), "chaos-gate", [])


@pytest.mark.parametrize(
    ("people", "why"),
    [
        ("[{role: developer, groups: [a]}]", "must have a team"),
        ("[{role: sre, team: payments, groups: [a]}]", "none if it is another one"),
        ("[{role: sre}]", "must name groups or users"),
        ("[{role: developer, team: nobody, groups: [a]}]", "no rule of ownership is about that team"),
        ("[{role: boss, groups: [a]}]", "boss"),
        ('[{role: sre, groups: ["it\'s"]}]', "spec.people[0].groups[0]"),
    ],
)
def test_people_who_make_no_sense_are_refused(people: str, why: str) -> None:
    text = HEAD + "  ownership: [{team: payments, paths: [a], namespaces: [shop]}]\n  people: " + people + "\n"
    with pytest.raises(GateError) as refused:
        parsed(text.encode(), "policy.yaml")
    assert why in str(refused.value)


def test_patterns_stand_for_the_namespaces_that_are_named() -> None:
    made = manifests(RULES, "chaos-gate", ["shop-eu", "bank"])
    runs = [each for each in made if each["kind"] == "RoleBinding" and each["roleRef"]["name"].endswith("-run")]
    assert [each["metadata"]["namespace"] for each in runs] == ["shop", "shop-eu"]
    with pytest.raises(Permanent, match="name those that there are with --namespace"):
        manifests(RULES, "chaos-gate", ["bank"])


def test_the_commands_say_yes_or_no_and_print_what_kubernetes_takes(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(HEAD + PEOPLE)
    ask = ("may", "run", "--policy", str(file), "--group", "payments", "-n")
    assert CliRunner().invoke(policy, [*ask, "shop"]).exit_code == Exit.YES
    refused = CliRunner().invoke(policy, [*ask, "bank"])
    assert refused.exit_code == Exit.NO
    assert "spec.people[1]" in refused.output
    printed = CliRunner().invoke(policy, ["rights", "--policy", str(file), "-n", "shop-eu"])
    assert printed.exit_code == 0, printed.output
    kinds = [each["kind"] for each in yaml.safe_load_all(printed.output)]
    assert kinds[:5] == ["ClusterRole"] * 4 + ["Role"]
    assert kinds[-2:] == ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"]
