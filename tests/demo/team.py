"""The team of the shop on a stage: it deploys versions that nobody has seen yet, and says how production is opened."""

import itertools
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from gate.sandbox import shop
from gate.sandbox.demo.seeding import files_of
from gate.sandbox.demo.stage import CATALOGUE, MAINTAINER, PROJECT, Stage
from tests.demo.playing import SUBSCRIPTION, Play
from tests.sandbox.gitlab_world import Client

PATH = "/projects/shop%2Fcheckout"
STAGED = {
    "stage": "deploy",
    "environment": "staging",
    "script": ["python3 deploy.py --namespace shop"],
    "rules": [{"if": "$CHAOS_SHA", "when": "never"}, {"if": '$CI_COMMIT_BRANCH == "main"'}],
}
SHIP = {"stage": "production", "environment": "production", "script": ["exit 0"]}
PIPELINE = {"stages": ["deploy", "production"], "deploy-staging": STAGED}
STEADY = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Workflow
metadata: {name: quick}
spec:
  baseline: 500ms
  steadyState:
    - name: somebody is there
      kubernetes: {resource: deployments, name: checkout}
      every: 100ms
      expect: {field: status.readyReplicas, atLeast: 1}
      tolerate: {failures: %s, streak: 30s}
  steps:
    - {name: pods go, fault: %s, hold: %s, recover: 30s}
"""
"""What it asks is answered also where everything else on the machine is busy."""
PASSES, FAILS = STEADY % ("90%", "pod-kill", "1s"), STEADY % ("0%", "scale-to-zero", "5s")
BY_HAND = {"when": "manual", "allow_failure": False}
"""How a job `ship` waits for the gate."""
PINNED = {"rules": [{"if": "$CHAOS_SHA", "when": "on_success"}]}
"""How it is there only in a pipeline that the gate has started."""


@dataclass(frozen=True)
class Pushed:
    """A commit, and the pipeline that deploys it to staging."""

    sha: str
    pipeline: int


@dataclass
class Team:
    """The team of the shop, by the API of its GitLab as root; and the gate's bot."""

    play: Play
    client: Client
    bot: int
    _versions: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _made: set[str] = field(default_factory=set)

    def subscribes(self, promote: str, workflow: str = PASSES) -> None:
        document = SUBSCRIPTION % "checkout"
        told = "gitlab: {project: shop/checkout}"
        assert told in document
        self._commits(CATALOGUE, {"workflows/quick.yaml": workflow})
        self.play.document(
            "subscriptions/checkout.yaml", document.replace(told, f"{told[:-1]}, promote: {{{promote}}}}}")
        )

    def protects(self, environment: str, **rules: Any) -> None:
        """An environment, for the gate's bot."""
        levels = [{"user_id": self.bot}]
        self.client.post(f"{PATH}/protected_environments", name=environment, deploy_access_levels=levels, **rules)

    def pushes(self, **ship: Any) -> Pushed:
        """A version that nobody has seen yet; its pipeline deploys it to staging and has a job `ship`."""
        version = self._built()
        files = files_of(shop.FOLDER / "repository") | {
            "VERSION": f"{version}\n",
            ".gitlab-ci.yml": yaml.safe_dump({**PIPELINE, "ship": {**SHIP, **ship}}),
        }
        sha = self._commits(PROJECT, files)
        (made,) = self.client.get(f"{PATH}/pipelines", sha=sha)
        return Pushed(sha=sha, pipeline=int(made["id"]))

    def _commits(self, project: str, files: Mapping[str, str]) -> str:
        """The first time they are new there."""
        action = "update" if project in self._made else "create"
        self._made.add(project)
        return self.play.stage.team.commit(project, "Change it", files, action=action)

    def _built(self) -> str:
        """An image with a label of its own: the digest is another one, what it does is the same."""
        version = f"2.{next(self._versions)}"
        label = self.play.stage.folder / f"label-{version}"
        label.write_text(version)
        (sound,) = [image for image in shop.images() if image.name == "checkout:1.1"]
        made = replace(sound, name=f"checkout:{version}", files=(*sound.files, label))
        self.play.stage.images.set(made)
        return version

    def ships(self, pipeline: int) -> list[tuple[str, int]]:
        """Every job `ship` that there ever was in a pipeline: how it is, and who has started it."""
        rows = self.client.get(f"{PATH}/pipelines/{pipeline}/jobs", include_retried="true")
        return [(row["status"], row["user"]["id"]) for row in rows if row["name"] == "ship"]

    def promoted(self, pushed: Pushed) -> list[str]:
        """What the gate has written down about production and that commit."""
        noted = self.play.gate().get("gitlab", {}).get("promoted", {})
        return [each["state"] for key, each in noted.items() if pushed.sha in key]

    def runs(self, pushed: Pushed) -> list[dict[str, Any]]:
        """Those of the version that runs, once the gate is at the commit."""
        gate = self.play.gate()
        at = (gate.get("commit") or {}).get("sha") == pushed.sha
        return [run for run in self.play.runs() if at and run["spec"]["version"] == gate.get("version")]

    def dies(self) -> None:
        """The gate is killed, and started again as its Deployment would."""
        gate = self.play.stage.gate
        before = gate.starts
        os.kill(gate.pid, signal.SIGKILL)
        self.play.until("started again", lambda: gate.starts > before)

    def dies_while_judging(self, pushed: Pushed) -> None:
        self.play.until("running", lambda: [run for run in self.runs(pushed) if phase(run) == "Running"])
        self.dies()


def phase(run: dict[str, Any]) -> str:
    return str((run.get("status") or {}).get("phase", ""))


@contextmanager
def teamed(folder: Path) -> Iterator[Team]:
    """A stage, and its team; the bot may play jobs."""
    with Stage(folder) as stage:
        play, client = Play(stage), Client(stage.gitlab.url, stage.root_token)
        (bot,) = client.get("/users", username="chaos-gate-bot")
        assert client.ask("PUT", f"{PATH}/members/{bot['id']}", json={"access_level": MAINTAINER}).status_code == 200
        stage.team.commit(PROJECT, "Begin", {"README.md": "The shop.\n"})
        play.until("the gate knows checkout", lambda: play.gate().get("recorded"))
        try:
            yield Team(play, client, bot["id"])
        finally:
            play.close()
            client.close()
