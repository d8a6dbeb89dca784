"""The gate as a process, from an upgrade to production having been opened in GitLab, though it dies on the way."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from gate.sandbox.demo.seeding import files_of
from gate.sandbox.demo.stage import CATALOGUE, MAINTAINER, PROJECT, Stage
from gate.sandbox.gitlab.trouble import Trouble
from gate.sandbox.shop import FOLDER
from tests.demo.playing import KILL, SUBSCRIPTION, Play
from tests.sandbox.gitlab_world import Client

pytestmark = pytest.mark.demo

PATH = "/projects/shop%2Fcheckout"
STAGED = {
    "stage": "deploy",
    "environment": "staging",
    "script": ["python3 deploy.py --namespace shop"],
    "rules": [{"if": "$CHAOS_SHA", "when": "never"}, {"when": "on_success"}],
}
SHIP = {"stage": "production", "environment": "production", "script": ["exit 0"]}
PIPELINE = {"stages": ["deploy", "production"], "deploy-staging": STAGED}
BY_HAND = {"when": "manual", "allow_failure": False}
PINNED = {"rules": [{"if": "$CHAOS_SHA", "when": "on_success"}]}


@dataclass
class Team:
    """The team of the shop, by the API of its GitLab as root; and the gate's bot."""

    play: Play
    client: Client
    bot: int

    def subscribes(self, promote: str) -> None:
        document = SUBSCRIPTION % "checkout"
        told = "gitlab: {project: shop/checkout}"
        assert told in document
        self.play.stage.team.commit(CATALOGUE, "change", {"workflows/quick.yaml": KILL})
        self.play.document(
            "subscriptions/checkout.yaml", document.replace(told, f"{told[:-1]}, promote: {{{promote}}}}}")
        )

    def protects(self, **rules: Any) -> None:
        """Production, for the gate's bot."""
        levels = [{"user_id": self.bot}]
        self.client.post(f"{PATH}/protected_environments", name="production", deploy_access_levels=levels, **rules)

    def pushes(self, **ship: Any) -> int:
        """A new version; returns its pipeline, which deploys it to staging and has a job `ship`."""
        files = files_of(FOLDER / "repository") | {
            "VERSION": "1.1\n",
            ".gitlab-ci.yml": yaml.safe_dump({**PIPELINE, "ship": {**SHIP, **ship}}),
        }
        sha = self.play.stage.team.commit(PROJECT, "Try it again", files)
        (made,) = self.client.get(f"{PATH}/pipelines", sha=sha)
        return int(made["id"])

    def ships(self, pipeline: int) -> list[tuple[str, int]]:
        """Every job `ship` that there ever was in a pipeline: how it is, and who has started it."""
        rows = self.client.get(f"{PATH}/pipelines/{pipeline}/jobs", include_retried="true")
        return [(row["status"], row["user"]["id"]) for row in rows if row["name"] == "ship"]

    def promoted(self) -> list[str]:
        """What the gate has written down about it."""
        return [each["state"] for each in self.play.gate().get("gitlab", {}).get("promoted", {}).values()]

    def dies(self) -> None:
        """The gate is killed, and started again as its Deployment would."""
        gate = self.play.stage.gate
        before = gate.starts
        os.kill(gate.pid, signal.SIGKILL)
        self.play.until("started again", lambda: gate.starts > before)

    def dies_while_judging(self) -> None:
        self.play.until("running", lambda: [run for run in self.play.runs() if phase(run) == "Running"])
        self.dies()


def phase(run: dict[str, Any]) -> str:
    return str((run.get("status") or {}).get("phase", ""))


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    with Stage(tmp_path) as stage:
        play, client = Play(stage), Client(stage.gitlab.url, stage.root_token)
        (bot,) = client.get("/users", username="chaos-gate-bot")
        assert client.ask("PUT", f"{PATH}/members/{bot['id']}", json={"access_level": MAINTAINER}).status_code == 200
        play.until("the gate knows checkout", lambda: play.gate().get("recorded"))
        try:
            yield Team(play, client, bot["id"])
        finally:
            play.close()
            client.close()


def test_the_job_of_production_is_played_once_though_the_gate_dies_while_judging_and_while_playing(team: Team) -> None:
    team.subscribes("job: ship")
    team.protects()
    team.play.stage.gitlab.troubles.order(Trouble.SLOW_AFTER, method="POST", path="/play$", delay=60)
    pipeline = team.pushes(**BY_HAND)
    team.dies_while_judging()
    team.play.until("the job is played", lambda: team.ships(pipeline) != [("manual", 1)])
    assert team.promoted() == ["Sent"]
    team.dies()
    team.play.stage.gitlab.troubles.calm()
    team.play.until("the gate knows it", lambda: team.promoted() == ["Done"])
    team.play.until("production has it", lambda: team.ships(pipeline) == [("success", team.bot)])
    assert team.play.gate()["verdict"] == "PASSED"
    assert len(team.play.runs()) == 1
