"""The embedded GitLab's pure rules: the status of a pipeline, and what a `.gitlab-ci.yml` may say."""

import pytest

from gate.sandbox.gitlab.composite import composite
from gate.sandbox.gitlab.configuration import document


@pytest.mark.parametrize(
    ("statuses", "pipeline"),
    [
        ([], "created"),
        (["skipped"], "skipped"),
        (["success"], "success"),
        (["success", "skipped"], "success"),
        (["created", "created"], "created"),
        (["success", "canceled"], "canceled"),
        (["skipped", "canceled"], "canceled"),
        (["pending", "created"], "pending"),
        (["pending", "skipped"], "pending"),
        (["success", "running"], "running"),
        (["success", "pending"], "running"),
        (["failed", "running"], "running"),
        (["failed", "created"], "running"),
        (["success", "failed"], "failed"),
        (["canceled", "failed"], "failed"),
    ],
)
def test_a_pipeline_has_the_status_of_the_first_rule_that_fits_its_rows(statuses: list[str], pipeline: str) -> None:
    assert composite((status, False) for status in statuses) == pipeline


@pytest.mark.parametrize(
    ("statuses", "pipeline"),
    [
        # Each row has what the rule looks for, and what all rules after it look for: the first one decides.
        (["running", "waiting_for_resource", "waiting_for_callback", "manual", "scheduled", "preparing"], "running"),
        (["pending", "waiting_for_resource", "waiting_for_callback", "manual", "scheduled", "preparing"], "running"),
        (
            ["waiting_for_resource", "waiting_for_callback", "manual", "scheduled", "preparing", "created"],
            "waiting_for_resource",
        ),
        (["waiting_for_callback", "manual", "scheduled", "preparing", "created", "failed"], "waiting_for_callback"),
        (["manual", "scheduled", "preparing", "created", "canceling", "failed"], "manual"),
        (["scheduled", "preparing", "created", "canceling", "failed"], "scheduled"),
        (["preparing", "created", "canceling", "failed"], "preparing"),
        (["created", "canceling", "failed"], "running"),
        (["canceling", "failed"], "canceling"),
        (["failed", "success", "canceled", "skipped"], "failed"),
        (["preparing", "preparing"], "preparing"),
        (["preparing", "success"], "preparing"),
    ],
)
def test_the_rules_of_a_pipelines_status_hold_in_their_order(statuses: list[str], pipeline: str) -> None:
    assert composite((status, False) for status in statuses) == pipeline
    assert composite((status, False) for status in reversed(statuses)) == pipeline


def test_a_failed_external_status_hides_behind_a_job_that_waits_for_a_person() -> None:
    assert composite([("manual", False), ("failed", False)]) == "manual"


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_row_that_may_fail_does_not_spoil_its_pipeline(status: str) -> None:
    assert composite([("success", False), (status, True)]) == "success"


def test_an_optional_manual_job_does_not_hold_its_pipeline() -> None:
    assert composite([("success", False), ("manual", True)]) == "success"
    assert composite([("manual", True)]) == "skipped"


def test_a_job_takes_the_stage_test_and_the_common_variables_unless_it_says_otherwise() -> None:
    config = document.read(
        """
        variables: {A: 1, B: common}
        unit: {script: make test}
        ship: {stage: deploy, script: [one, two], variables: {B: own}, environment: {name: staging}}
        """
    )
    unit, ship = config.jobs
    assert (unit.stage, unit.script, unit.when) == ("test", ("make test",), "on_success")
    assert unit.variables == {"A": "1", "B": "common"}
    assert (ship.script, ship.environment, ship.variables["B"]) == (("one", "two"), "staging", "own")


def test_a_manual_job_may_fail_unless_it_says_otherwise() -> None:
    config = document.read(
        """
        optional: {script: "true", when: manual}
        blocking: {script: "true", when: manual, allow_failure: false}
        """
    )
    assert [job.allow_failure for job in config.jobs] == [True, False]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("stages: [a", "Invalid configuration format"),
        ("just a text", "Invalid configuration format"),
        ("stages: [test]", "at least one visible job"),
        ("unit: {stage: test}", "script"),
        ("unit: {script: x, stage: nowhere}", "nowhere"),
        ("unit: {script: x, needs: [other]}", "other"),
        ("a: {script: x, needs: [b]}\nb: {script: x, needs: [a]}", "circular dependencies"),
        ("unit: {script: x, when: sometimes}", "when should be one of"),
        ("unit: {script: x, rules: {}}", "rules"),
        ("unit: {script: x, rules: [{exists: [a]}]}", "exists"),
        ("unit: {script: x, rules: [{if: '$A =='}]}", "invalid expression syntax"),
        ("unit: {script: x, rules: [{if: '($A'}]}", "invalid expression syntax"),
        ("unit: {script: x, rules: [{if: '$A + $B'}]}", "invalid expression syntax"),
        ("unit: {script: x, id_tokens: {A: {sub: y}}}", "sub"),
        ("unit: {trigger: {project: other}}", "project"),
        ("unit: {trigger: {include: a.yml, strategy: hope}}", "strategy"),
        ("unit: {script: x, needs: [{pipeline: y}]}", "pipeline"),
        ("unit: {script: x, artifacts: {name: y}}", "name"),
        ("unit: {script: x, artifacts: {reports: {coverage_report: y}}}", "coverage_report"),
        ("unit: {script: x, artifacts: {reports: y}}", "reports"),
        ("unit: {script: x, artifacts: y}", "artifacts"),
        ("unit: {script: x, environment: {name: y, action: stop}}", "action"),
        ("include: other.yml\nunit: {script: x}", "include"),
        ("workflow: {rules: []}\nunit: {script: x}", "workflow"),
        ("default: {retry: 1}\nunit: {script: x}", "default"),
        ("unit: {script: [1]}", "script"),
        ("unit: {script: x, variables: [y]}", "variables"),
        ("unit: {script: x, environment: [y]}", "environment"),
        ("unit: {script: x, allow_failure: 'no'}", "allow_failure"),
        ("1: {script: x}", "1"),
    ],
)
def test_what_the_sandbox_does_not_run_is_an_error_that_names_it(text: str, why: str) -> None:
    with pytest.raises(document.BadConfig, match=why):
        document.read(text)


def test_a_job_whose_name_begins_with_a_dot_is_a_template_and_does_not_run() -> None:
    config = document.read(".shared: {image: x}\nunit: {script: x}")
    assert [job.name for job in config.jobs] == ["unit"]
