"""The embedded GitLab: commit statuses as the real one treats them, pipelines that run, git over HTTP."""

import base64
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from gate.sandbox.gitlab import GitLab, hosting

Eventually = Callable[[Callable[[], object]], None]
ROOT = "root-token"
PROJECT = "shop/checkout"
CI = """\
stages: [deploy, verify, production]
deploy:
  stage: deploy
  environment: {name: staging}
  script: [echo deploying $CI_COMMIT_SHORT_SHA, test "$CI_ENVIRONMENT_NAME" = staging]
verify:
  stage: verify
  script: ["echo CHAOS_VERDICT=PASSED > gate.env", "%s"]
  artifacts: {reports: {dotenv: gate.env}}
production:
  stage: production
  environment: {name: production}
  script: [test "$CHAOS_VERDICT" = PASSED]
"""


@dataclass(frozen=True)
class Client:
    """Somebody who talks to GitLab with a token."""

    url: str
    token: str

    def ask(self, method: str, path: str, **given: Any) -> requests.Response:
        return requests.request(
            method, f"{self.url}/api/v4{path}", headers={"PRIVATE-TOKEN": self.token}, timeout=10, **given
        )

    def post(self, path: str, /, **body: Any) -> requests.Response:
        return self.ask("POST", path, json=body)

    def get(self, path: str, /, **params: Any) -> requests.Response:
        return self.ask("GET", path, params=params)

    def status(self, sha: str, **body: Any) -> requests.Response:
        return self.post(f"/projects/{quote(PROJECT, safe='')}/statuses/{sha}", **body)


@pytest.fixture
def gitlab() -> Iterator[GitLab]:
    with GitLab(root_token=ROOT) as running:
        yield running


@pytest.fixture
def root(gitlab: GitLab) -> Client:
    client = Client(gitlab.url, ROOT)
    assert client.post("/projects", path="checkout", namespace_path="shop").status_code == 201
    return client


def commit(root: Client, action: str = "create", **files: str) -> str:
    actions = [
        {"action": action, "file_path": name.replace("_yml", ".yml").replace("DOT", "."), "content": text}
        for name, text in (files or {"README": "hello"}).items()
    ]
    made = root.post("/projects/1/repository/commits", branch="main", commit_message="change", actions=actions)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def pipeline_of(root: Client, sha: str) -> int:
    return int(root.get("/projects/1/pipelines", sha=sha).json()[0]["id"])


def ended(root: Client, sha: str) -> bool:
    found = root.get("/projects/1/pipelines", sha=sha).json()
    return bool(found) and found[0]["status"] in {"success", "failed", "canceled", "skipped", "manual"}


def jobs(root: Client, sha: str) -> dict[str, str]:
    found = root.get(f"/projects/1/pipelines/{pipeline_of(root, sha)}/jobs").json()
    return {job["name"]: job["status"] for job in found}


def test_a_pipeline_runs_its_jobs_stage_by_stage(root: Client, eventually: Eventually) -> None:
    sha = commit(root, **{"DOTgitlab-ci_yml": CI % "exit 0"})
    eventually(lambda: ended(root, sha))
    assert jobs(root, sha) == {"deploy": "success", "verify": "success", "production": "success"}
    job = root.get(f"/projects/1/pipelines/{pipeline_of(root, sha)}/jobs").json()[0]["id"]
    assert f"deploying {sha[:8]}" in root.get(f"/projects/1/jobs/{job}/trace").text
    records = root.get("/projects/1/deployments", environment="staging").json()
    assert [(each["sha"], each["status"], each["deployable"]["id"]) for each in records] == [(sha, "success", job)]


def test_a_job_that_fails_keeps_the_stages_after_it_from_running(root: Client, eventually: Eventually) -> None:
    sha = commit(root, **{"DOTgitlab-ci_yml": CI % "exit 1"})
    eventually(lambda: ended(root, sha))
    assert jobs(root, sha) == {"deploy": "success", "verify": "failed", "production": "skipped"}
    (skipped,) = root.get("/projects/1/deployments", environment="production").json()
    assert skipped["status"] == "skipped"


def test_a_manual_job_waits_until_it_is_played_and_may_be_played_again(root: Client, eventually: Eventually) -> None:
    text = "stages: [go]\ngo: {stage: go, when: manual, allow_failure: false, script: [exit 0]}\n"
    sha = commit(root, **{"DOTgitlab-ci_yml": text})
    eventually(lambda: jobs(root, sha) == {"go": "manual"})
    job = root.get(f"/projects/1/pipelines/{pipeline_of(root, sha)}/jobs", **{"scope[]": "manual"}).json()[0]["id"]
    assert root.post(f"/projects/1/jobs/{job}/play").status_code == 200
    eventually(lambda: jobs(root, sha) == {"go": "success"})
    assert root.post(f"/projects/1/jobs/{job}/play").json()["id"] != job


def test_a_pipeline_that_cannot_be_read_fails_and_says_why(root: Client) -> None:
    sha = commit(root, **{"DOTgitlab-ci_yml": "a: {script: [x], cache: {}}"})
    found = root.get(f"/projects/1/pipelines/{pipeline_of(root, sha)}").json()
    assert found["status"] == "failed"
    assert "cache" in found["yaml_errors"]


def git(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=cwd, env=hosting.ENVIRONMENT, capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_repository_is_cloned_and_a_push_starts_a_pipeline(root: Client, tmp_path: Path) -> None:
    commit(root, **{"DOTgitlab-ci_yml": "a: {script: [exit 0]}"})
    git("clone", "--quiet", f"{root.url}/{PROJECT}.git", "work", cwd=tmp_path)
    work = tmp_path / "work"
    (work / "new").write_text("file")
    git("add", "new", cwd=work)
    git("commit", "--quiet", "-m", "push", cwd=work)
    address = root.url.replace("http://", f"http://git:{ROOT}@") + f"/{PROJECT}.git"
    git("push", "--quiet", address, "main", cwd=work)
    sha = git("rev-parse", "HEAD", cwd=work).strip()
    assert root.get("/projects/1/pipelines", sha=sha).json()[0]["source"] == "push"


def test_a_push_without_a_token_is_refused(root: Client) -> None:
    wrong = base64.b64encode(b"git:wrong").decode()
    address = f"{root.url}/{PROJECT}.git/info/refs?service=git-receive-pack"
    assert requests.get(address, timeout=5).status_code == 401
    assert requests.get(address, headers={"Authorization": f"Basic {wrong}"}, timeout=5).status_code == 401


def test_a_trigger_token_starts_a_pipeline_with_variables(root: Client, eventually: Eventually) -> None:
    commit(root, **{"DOTgitlab-ci_yml": 'a: {script: [test "$VERDICT" = PASSED]}'})
    token = root.post("/projects/1/triggers", description="promote").json()["token"]
    body = {"token": token, "ref": "main", "variables[VERDICT]": "PASSED"}
    made = requests.post(f"{root.url}/api/v4/projects/1/trigger/pipeline", data=body, timeout=5)
    assert made.status_code == 201
    eventually(lambda: root.get(f"/projects/1/pipelines/{made.json()['id']}").json()["status"] == "success")


def test_a_gitlab_that_was_away_has_forgotten_nothing(gitlab: GitLab, root: Client) -> None:
    sha = commit(root)
    root.status(sha, state="pending", name="chaos")
    gitlab.stop()
    with pytest.raises(requests.ConnectionError):
        root.get("/user")
    gitlab.start()
    assert root.status(sha, state="success", name="chaos").json()["status"] == "success"
