"""The gate as a process, from an upgrade to production having been opened in GitLab, on each of the ways there are.

One stage for all: each test deploys a version of its own, and looks at nothing but what became of that.
"""

from collections.abc import Iterator

import pytest

from gate.sandbox.gitlab.trouble import Trouble
from tests.demo.team import BY_HAND, FAILS, PATH, PINNED, Team, teamed

pytestmark = pytest.mark.demo


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with teamed(tmp_path_factory.mktemp("stage")) as team:
        yield team


@pytest.fixture(autouse=True)
def calm(team: Team) -> Iterator[None]:
    """What a test has GitLab do is over when it ends."""
    yield
    team.play.stage.gitlab.troubles.calm()


def test_the_job_of_production_is_played_once_though_the_gate_dies_while_judging_and_while_playing(team: Team) -> None:
    team.subscribes("job: ship")
    team.protects("production")
    team.play.stage.gitlab.troubles.order(Trouble.SLOW_AFTER, method="POST", path="/play$", delay=60)
    pushed = team.pushes(**BY_HAND)
    team.dies_while_judging(pushed)
    team.play.until("the job is played", lambda: team.ships(pushed.pipeline) != [("manual", 1)])
    assert team.promoted(pushed) == ["Sent"]
    team.dies()
    team.play.stage.gitlab.troubles.calm()
    team.play.until("the gate knows it", lambda: team.promoted(pushed) == ["Done"])
    team.play.until("production has it", lambda: team.ships(pushed.pipeline) == [("success", team.bot)])
    assert team.play.gate()["verdict"] == "PASSED"
    assert len(team.runs(pushed)) == 1


def test_the_deployment_that_waits_is_approved_with_the_verdict_and_its_job_is_played(team: Team) -> None:
    team.subscribes("approve: approved, onApproved: play")
    team.protects("approved", approval_rules=[{"user_id": team.bot}])
    pushed = team.pushes(environment="approved", **BY_HAND)
    team.play.until("production has it", lambda: team.ships(pushed.pipeline) == [("success", team.bot)])
    (deployment,) = team.client.get(f"{PATH}/deployments", environment="approved")
    (given,) = team.client.get(f"{PATH}/deployments/{deployment['id']}")["approvals"]
    assert (given["status"], given["user"]["id"]) == ("approved", team.bot)
    assert given["comment"].startswith("chaos gate: ")
    team.play.until("the gate knows it", lambda: team.promoted(pushed) == ["Done"])


def test_the_pipeline_that_promotes_is_started_once_and_told_what_was_judged(team: Team) -> None:
    team.subscribes("trigger: main")
    pushed = team.pushes(**PINNED)

    def started() -> list[dict[str, str]]:
        """What the pipelines were told that somebody has started for the commit."""
        made = team.client.get(f"{PATH}/pipelines", source="api", username="chaos-gate-bot", per_page=100)
        told = {each["id"]: team.client.get(f"{PATH}/pipelines/{each['id']}/variables") for each in made}
        said = [{one["key"]: one["value"] for one in each} | {"id": str(number)} for number, each in told.items()]
        return [each for each in said if each["CHAOS_SHA"] == pushed.sha]

    team.play.until("the gate knows it", lambda: team.promoted(pushed) == ["Done"])
    (told,) = started()
    assert (told["CHAOS_PIPELINE"], told["CHAOS_VERSION"]) == (str(pushed.pipeline), team.play.gate()["version"])
    team.play.until("production has it", lambda: team.ships(int(told["id"])) == [("success", team.bot)])
    assert team.ships(pushed.pipeline) == []


def test_a_merge_request_waits_for_its_check_and_stays_shut_when_the_version_does_not_pass(team: Team) -> None:
    team.subscribes("check: chaos", workflow=FAILS)
    team.client.post(f"{PATH}/external_status_checks", name="chaos", external_url="http://127.0.0.1:9/")
    team.client.post(f"{PATH}/repository/branches", branch="live", ref="main")
    pushed = team.pushes(**BY_HAND)
    body = {"source_branch": "main", "target_branch": "live", "title": "Promote"}
    number = team.client.post(f"{PATH}/merge_requests", **body)["iid"]

    def shown() -> str:
        (check,) = team.client.get(f"{PATH}/merge_requests/{number}/status_checks")
        return str(check["status"])

    team.play.until("judged", lambda: team.runs(pushed) and team.play.gate().get("verdict"))
    assert team.play.gate()["verdict"] != "PASSED"
    team.play.until("told", lambda: shown() == "failed")
    assert team.ships(pushed.pipeline) == [("manual", 1)]
    team.client.ask("PUT", f"{PATH}/merge_requests/{number}", json={"state_event": "close"})
