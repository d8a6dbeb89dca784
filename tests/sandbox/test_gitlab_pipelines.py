"""Pipelines of the embedded GitLab: their jobs are real processes, in the order of the stages."""

import os
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from gitlab_world import ROOT, Client, Project

from gate.sandbox.gitlab import GitLab

Eventually = Callable[[Callable[[], Any]], Any]

THREE_STAGES = """
stages: [deploy, verify, production]
deploy-staging:
  stage: deploy
  environment: {name: staging}
  script:
    - echo "deploying $CI_COMMIT_SHA of $CI_PROJECT_PATH"
gate:
  stage: verify
  script:
    - echo "VERDICT=$WANTED" > gate.env
    - test "$WANTED" = passed
  artifacts:
    when: always
    reports: {dotenv: gate.env}
deploy-production:
  stage: production
  environment: {name: production}
  script: echo "the verdict was $VERDICT"
"""


def ended(project: Project) -> Callable[[], Any]:
    """The newest pipeline once it is over."""

    def question() -> Any:
        newest = project.pipelines()[0]
        return newest if newest["status"] in {"success", "failed", "canceled", "skipped"} else None

    return question


def job_in(project: Project, name: str, status: str) -> Callable[[], Any]:
    """The job of the newest pipeline once it is in this status."""

    def question() -> Any:
        job = project.jobs(project.pipelines()[0]["id"])[name]
        return job if job["status"] == status else None

    return question


def configure(project: Project, text: str, **variables: str) -> str:
    for key, value in variables.items():
        project.client.post(f"{project.path}/variables", key=key, value=value)
    return project.commit({".gitlab-ci.yml": text})


def test_a_pipeline_runs_its_stages_in_order_and_hands_reports_on(project: Project, eventually: Eventually) -> None:
    sha = configure(project, THREE_STAGES, WANTED="passed")
    pipeline = eventually(ended(project))
    jobs = project.jobs(pipeline["id"])
    assert (pipeline["status"], pipeline["sha"], pipeline["source"]) == ("success", sha, "push")
    assert [job["status"] for job in jobs.values()] == ["success"] * 3
    assert f"deploying {sha} of " in project.trace(jobs["deploy-staging"]["id"])
    assert "the verdict was passed" in project.trace(jobs["deploy-production"]["id"])
    order = [jobs[name] for name in ("deploy-staging", "gate", "deploy-production")]
    assert all(before["finished_at"] <= after["started_at"] for before, after in pairwise(order))


def test_a_deployment_is_recorded_with_its_commit_job_and_pipeline(project: Project, eventually: Eventually) -> None:
    sha = configure(project, THREE_STAGES, WANTED="passed")
    pipeline = eventually(ended(project))
    (found,) = project.client.get(f"{project.path}/deployments", environment="staging", order_by="id", sort="desc")
    assert (found["sha"], found["ref"], found["status"]) == (sha, "main", "success")
    assert found["deployable"]["name"] == "deploy-staging"
    assert found["deployable"]["pipeline"]["id"] == pipeline["id"]


def test_a_deployment_is_running_while_its_job_runs_and_the_trace_can_be_read(
    project: Project, eventually: Eventually, tmp_path: Path
) -> None:
    pipe = tmp_path / "go on"
    os.mkfifo(pipe)
    configure(
        project, "ship: {script: ['echo begun', 'cat \"$PIPE\"'], stage: deploy, environment: staging}", PIPE=str(pipe)
    )
    job = eventually(job_in(project, "ship", "running"))
    eventually(lambda: "begun" in project.trace(job["id"]))
    (during,) = project.client.get(f"{project.path}/deployments", status="running")
    assert during["environment"]["name"] == "staging"
    pipe.write_text("released\n")
    assert eventually(ended(project))["status"] == "success"
    assert "released" in project.trace(job["id"])
    assert project.client.get(f"{project.path}/deployments", status="running") == []


def test_a_canceled_job_dies_with_everything_it_started(
    project: Project, eventually: Eventually, tmp_path: Path
) -> None:
    note = tmp_path / "pid"
    configure(project, "long: {script: ['sleep 300 & echo $! > \"$NOTE\"', wait]}", NOTE=str(note))
    pid = int(eventually(lambda: note.exists() and note.read_text().strip()))
    job = project.jobs(project.pipelines()[0]["id"])["long"]
    answer = project.client.ask("POST", f"{project.path}/jobs/{job['id']}/cancel")
    assert answer.json()["status"] == "canceled"
    eventually(lambda: not Path(f"/proc/{pid}").exists())
    eventually(lambda: project.pipelines()[0]["status"] == "canceled")


def test_no_job_outlives_the_server(eventually: Eventually, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with GitLab(root_token=ROOT) as gitlab:
        client = Client(gitlab.url)
        configure(Project(client), "long: {script: ['echo $$ > \"$NOTE\"', sleep 300]}", NOTE=str(note))
        pid = int(eventually(lambda: note.exists() and note.read_text().strip()))
        client.close()
    assert not Path(f"/proc/{pid}").exists()


def test_a_job_sees_gitlabs_variables_and_only_those(project: Project, eventually: Eventually) -> None:
    sha = configure(project, "show: {script: 'env', variables: {OWN: from the file}}", SECRET="of the project")
    pipeline = eventually(ended(project))
    job = project.jobs(pipeline["id"])["show"]
    seen = dict(line.split("=", 1) for line in project.trace(job["id"]).splitlines() if "=" in line)
    expected = {
        "CI": "true",
        "GITLAB_CI": "true",
        "CI_SERVER_URL": project.client.url,
        "CI_API_V4_URL": f"{project.client.url}/api/v4",
        "CI_PROJECT_ID": str(project.id),
        "CI_COMMIT_SHA": sha,
        "CI_COMMIT_SHORT_SHA": sha[:8],
        "CI_COMMIT_REF_NAME": "main",
        "CI_COMMIT_BRANCH": "main",
        "CI_PIPELINE_ID": str(pipeline["id"]),
        "CI_JOB_ID": str(job["id"]),
        "CI_JOB_NAME": "show",
        "CI_JOB_STAGE": "test",
        "OWN": "from the file",
        "SECRET": "of the project",
    }
    assert {key: seen.get(key) for key in expected} == expected
    assert seen["HOME"] != os.environ.get("HOME")
    assert "CI_ENVIRONMENT_NAME" not in seen
    assert "PYTEST_CURRENT_TEST" not in seen


def test_a_job_that_needs_another_does_not_wait_for_its_whole_stage(project: Project, eventually: Eventually) -> None:
    configure(
        project,
        """
        stages: [build, test]
        fast: {stage: build, script: 'true'}
        slow: {stage: build, script: 'true', when: manual, allow_failure: false}
        check: {stage: test, script: 'true', needs: [fast]}
        all: {stage: test, script: 'true'}
        """,
    )
    eventually(job_in(project, "check", "success"))
    assert project.jobs(project.pipelines()[0]["id"])["all"]["status"] == "created"


def test_a_job_that_may_fail_holds_nothing_back_and_always_runs_after_a_failure(
    project: Project, eventually: Eventually
) -> None:
    configure(
        project,
        """
        stages: [one, two, three]
        shaky: {stage: one, script: 'false', allow_failure: true}
        broken: {stage: two, script: 'false'}
        normal: {stage: three, script: 'true'}
        cleanup: {stage: three, script: 'true', when: always}
        """,
    )
    pipeline = eventually(ended(project))
    statuses = {name: job["status"] for name, job in project.jobs(pipeline["id"]).items()}
    assert statuses == {"shaky": "failed", "broken": "failed", "normal": "skipped", "cleanup": "success"}


def test_pipelines_are_found_by_commit_and_status(project: Project, eventually: Eventually) -> None:
    first = configure(project, "unit: {script: 'true'}")
    eventually(ended(project))
    second = project.commit({".gitlab-ci.yml": "unit: {script: 'false'}"}, action="update")
    eventually(ended(project))
    assert [each["sha"] for each in project.pipelines()] == [second, first]
    assert [each["sha"] for each in project.pipelines(sha=first)] == [first]
    assert [each["sha"] for each in project.pipelines(status="failed")] == [second]
    assert project.pipelines(ref="nowhere") == []


def git(*arguments: str, where: Path) -> str:
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
    identity = {f"GIT_{who}_{what}": "t@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", *arguments],
        cwd=where,
        env={"PATH": os.environ["PATH"], "HOME": str(where), **quiet, **identity},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise OSError(done.stderr)
    return done.stdout.strip()


def test_what_was_committed_over_the_api_can_be_cloned(project: Project, tmp_path: Path) -> None:
    project.commit({"README.md": "one\n", "docs/deep/file.txt": "ä\n"})
    sha = project.commit({"README.md": "two\n"}, action="update")
    git("clone", "--quiet", project.clone_url, "copy", where=tmp_path)
    assert git("rev-parse", "HEAD", where=tmp_path / "copy") == sha
    assert (tmp_path / "copy/README.md").read_text() == "two\n"
    assert (tmp_path / "copy/docs/deep/file.txt").read_text() == "ä\n"


def test_a_push_with_a_token_starts_a_pipeline_and_one_without_is_refused(
    project: Project, eventually: Eventually, tmp_path: Path
) -> None:
    project.commit()
    git("clone", "--quiet", project.clone_url, "copy", where=tmp_path)
    copy = tmp_path / "copy"
    (copy / ".gitlab-ci.yml").write_text("unit: {script: 'true'}\n")
    (copy / "large").write_bytes(os.urandom(3 * 1024 * 1024))
    git("add", ".", where=copy)
    git("commit", "--quiet", "-m", "Add a pipeline", where=copy)
    with pytest.raises(OSError, match=r"could not read|Authentication"):
        git("push", "--quiet", "origin", "main", where=copy)
    assert project.pipelines() == []
    git("push", "--quiet", project.clone_url.replace("://", f"://oauth2:{ROOT}@"), "main", where=copy)
    pipeline = eventually(ended(project))
    assert (pipeline["sha"], pipeline["status"]) == (git("rev-parse", "HEAD", where=copy), "success")


def test_a_file_can_be_created_once_and_updated_only_if_it_is_there(project: Project) -> None:
    project.commit({"a": "1"})
    for action, path in (("create", "a"), ("update", "b"), ("delete", "b")):
        actions = [{"action": action, "file_path": path, "content": "2"}]
        body = {"branch": "main", "commit_message": "x", "actions": actions}
        answer = project.client.ask("POST", f"{project.path}/repository/commits", json=body)
        assert answer.status_code == 400, action
        assert path in answer.text or "file" in answer.text


def test_a_job_does_not_wait_for_an_external_status(project: Project, eventually: Eventually) -> None:
    sha = configure(
        project,
        """
        stages: [one, two]
        first: {stage: one, script: 'true', when: manual, allow_failure: false}
        second: {stage: two, script: 'true'}
        """,
    )
    pipeline = project.pipelines()[0]["id"]
    project.say(sha, "failed", name="chaos/staging", pipeline_id=pipeline)
    job = project.jobs(pipeline)["first"]
    assert project.client.ask("POST", f"{project.path}/jobs/{job['id']}/play").status_code == 200
    eventually(job_in(project, "second", "success"))
    eventually(lambda: project.pipeline(pipeline)["status"] == "failed")


def test_a_job_has_the_variables_of_the_jobs_it_needs_and_those_of_the_project_win(
    project: Project, eventually: Eventually
) -> None:
    configure(
        project,
        """
        stages: [build, test]
        a: {stage: build, script: 'printf "FROM=a\\nOWN=report\\n" > x.env', artifacts: {reports: {dotenv: x.env}}}
        b: {stage: build, script: 'echo FROM=b > x.env', artifacts: {reports: {dotenv: x.env}}}
        show: {stage: test, needs: [a], script: 'echo "$FROM $OWN"', variables: {FROM: file}}
        """,
        OWN="project",
    )
    pipeline = eventually(ended(project))
    assert "a project" in project.trace(project.jobs(pipeline["id"])["show"]["id"])
