"""Jobs of the embedded GitLab beyond their scripts: rules, children, retries, Python scripts, tokens, JWTs."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
import requests
from gitlab_world import DEVELOPER, Client, Project
from joserfc import jwt
from joserfc.jwk import KeySet

from gate.sandbox.gitlab import GitLab, Performance

Eventually = Callable[[Callable[[], Any]], Any]


def newest(project: Project, name: str) -> Any:
    """A job of the newest pipeline."""
    return project.jobs(project.pipelines()[0]["id"])[name]


def ended(project: Project, name: str, status: str) -> Callable[[], Any]:
    def question() -> Any:
        job = newest(project, name)
        return job if job["status"] == status else None

    return question


def path_of(project: Project) -> str:
    return str(project.client.get(project.path)["path_with_namespace"])


def test_a_job_can_be_played_by_a_python_callable(project: Project, gitlab: GitLab, eventually: Eventually) -> None:
    def verify(job: Performance) -> int:
        job.say(f"looking at {job.variables['CI_COMMIT_SHA']}: {(job.folder / 'VERSION').read_text()}")
        (job.folder / "gate.env").write_text("VERDICT=PASSED\n")
        return 0

    gitlab.scripts[path_of(project), "verify"] = verify
    file = """
    stages: [verify, production]
    verify: {stage: verify, script: 'false', artifacts: {reports: {dotenv: gate.env}}}
    ship: {stage: production, script: 'test "$VERDICT" = PASSED'}
    """
    sha = project.commit({".gitlab-ci.yml": file, "VERSION": "1.1"})
    eventually(ended(project, "ship", "success"))
    assert f"looking at {sha}: 1.1" in project.trace(newest(project, "verify")["id"])


@pytest.mark.parametrize(
    ("script", "log"), [(lambda _: 3, ""), (lambda job: job.variables["MISSING"], "KeyError: 'MISSING'")]
)
def test_a_python_job_fails_by_its_code_or_by_its_exception(
    project: Project, gitlab: GitLab, eventually: Eventually, script: Callable[[Performance], int], log: str
) -> None:
    gitlab.scripts[path_of(project), "verify"] = script
    project.commit({".gitlab-ci.yml": "verify: {script: 'true'}\n"})
    failed = eventually(ended(project, "verify", "failed"))
    assert failed["failure_reason"] == "script_failure"
    assert log in project.trace(failed["id"])


def test_a_python_job_that_is_canceled_is_told_so(project: Project, gitlab: GitLab, eventually: Eventually) -> None:
    told = threading.Event()

    def wait(job: Performance) -> int:
        if job.canceled.wait(60):
            told.set()
        return 0

    gitlab.scripts[path_of(project), "verify"] = wait
    project.commit({".gitlab-ci.yml": "verify: {script: 'true'}\n"})
    job = eventually(ended(project, "verify", "running"))
    assert project.client.ask("POST", f"{project.path}/jobs/{job['id']}/cancel").json()["status"] == "canceled"
    assert told.wait(30)


def test_rules_say_which_jobs_a_pipeline_has_and_how_they_start(project: Project) -> None:
    project.commit(
        {
            ".gitlab-ci.yml": """
            by-hand: {script: 'true', rules: [{if: '$CI_COMMIT_BRANCH == "main" && $DEPLOY', when: manual}]}
            never: {script: 'true', rules: [{if: '$CI_PIPELINE_SOURCE == "api"', when: never}, {when: manual}]}
            like: {script: 'true', rules: [{if: '$CI_COMMIT_BRANCH =~ /^MA/i', when: manual, allow_failure: true}]}
            other: {script: 'true', rules: [{if: '$CI_COMMIT_BRANCH != "main" || $NOTHING == "x"'}]}
            unlike: {script: 'true', rules: [{if: '($CI_COMMIT_REF_NAME !~ /main/) || $NONE == null', when: manual}]}
            """
        }
    )
    assert set(project.jobs(project.pipelines()[0]["id"])) == {"never", "like", "unlike"}
    variables = [{"key": "DEPLOY", "value": "yes"}]
    made = project.client.post(f"{project.path}/pipeline", ref="main", variables=variables)
    jobs = project.jobs(made["id"])
    assert {name: job["allow_failure"] for name, job in jobs.items()} == {
        "by-hand": False,
        "like": True,
        "unlike": False,
    }
    assert project.client.get(f"{project.path}/pipelines/{made['id']}/variables") == variables


def test_a_pipeline_without_jobs_is_none(project: Project) -> None:
    project.commit({".gitlab-ci.yml": "never: {script: 'true', rules: [{if: $NOTHING}]}\n"})
    assert project.pipelines() == []
    answer = project.client.ask("POST", f"{project.path}/pipeline", json={"ref": "main"})
    assert answer.status_code == 400
    assert "rules configuration prevented any jobs" in answer.json()["message"]["base"][0]


@pytest.mark.parametrize(("script", "status"), [("'true'", "success"), ("'false'", "failed")])
def test_a_bridge_that_depends_on_its_child_ends_as_the_child_does(
    project: Project, eventually: Eventually, script: str, status: str
) -> None:
    file = """
    stages: [one, two]
    child: {stage: one, trigger: {include: child.yml, strategy: depend}}
    later: {stage: two, script: 'true'}
    """
    project.commit({".gitlab-ci.yml": file, "child.yml": f"inner: {{script: {script}}}\n"})
    parent = project.pipelines()[0]["id"]
    eventually(lambda: project.pipeline(parent)["status"] == status)
    (bridge,) = project.client.get(f"{project.path}/pipelines/{parent}/bridges")
    assert (bridge["status"], bridge["downstream_pipeline"]["source"]) == (status, "parent_pipeline")
    assert project.jobs(parent)["later"]["status"] == ("success" if status == "success" else "skipped")
    assert [each["id"] for each in project.pipelines()] == [parent], "children are not in the list"


def test_a_bridge_without_its_file_fails(project: Project, eventually: Eventually) -> None:
    project.commit({".gitlab-ci.yml": "child: {trigger: {include: nowhere.yml}}\n"})
    pipeline = project.pipelines()[0]["id"]
    (bridge,) = eventually(lambda: project.client.get(f"{project.path}/pipelines/{pipeline}/bridges"))
    assert (bridge["status"], bridge["failure_reason"]) == ("failed", "downstream_pipeline_creation_failed")


def test_a_retried_job_is_a_new_row_and_what_was_skipped_after_it_gets_its_turn(
    project: Project, eventually: Eventually
) -> None:
    file = """
    stages: [one, two]
    first: {stage: one, script: 'mkdir "$ONCE"'}
    second: {stage: two, script: 'true'}
    """
    where = project.client.post(f"{project.path}/variables", key="ONCE", value="/nowhere/at/all")
    sha = project.commit({".gitlab-ci.yml": file})
    failed = eventually(ended(project, "first", "failed"))
    eventually(ended(project, "second", "skipped"))
    changed = project.client.ask("PUT", f"{project.path}/variables/{where['key']}", json={"value": "here"})
    assert changed.status_code == 200
    again = project.client.post(f"{project.path}/jobs/{failed['id']}/retry")
    assert again["id"] != failed["id"]
    eventually(ended(project, "second", "success"))
    rows = project.statuses(sha, name="first", all=1)
    assert [(row["id"], row["status"]) for row in rows] == [(failed["id"], "failed"), (again["id"], "success")]
    assert project.client.ask("POST", f"{project.path}/jobs/{failed['id']}/retry").status_code == 403


def test_the_token_of_a_job_is_good_for_some_addresses_and_while_the_job_runs(
    project: Project, gitlab: GitLab, eventually: Eventually
) -> None:
    sha_seen: list[str] = []
    answers: list[tuple[str, int]] = []
    tokens: list[str] = []

    def ask(job: Performance) -> int:
        url, tried = job.variables["CI_API_V4_URL"], f"/projects/{job.variables['CI_PROJECT_ID']}"
        tokens.append(job.variables["CI_JOB_TOKEN"])
        headers = {"JOB-TOKEN": tokens[0]}
        sha_seen.append(job.variables["CI_COMMIT_SHA"])
        for method, path in (
            ("GET", "/job"),
            ("GET", f"{tried}/deployments"),
            ("POST", f"{tried}/statuses/{sha_seen[0]}"),
        ):
            answer = requests.request(method, url + path, headers=headers, json={"state": "success"}, timeout=30)
            answers.append((path.rpartition("/")[2], answer.status_code))
        return 0

    gitlab.scripts[path_of(project), "verify"] = ask
    sha = project.commit({".gitlab-ci.yml": "verify: {script: 'true'}\n"})
    eventually(ended(project, "verify", "success"))
    assert answers == [("job", 200), ("deployments", 200), (sha, 401)]
    late = requests.get(f"{project.client.url}/api/v4/job", headers={"JOB-TOKEN": tokens[0]}, timeout=30)
    assert late.status_code == 401


def test_protected_variables_are_for_protected_branches(project: Project, eventually: Eventually) -> None:
    project.client.post(f"{project.path}/variables", key="SECRET", value="hush", protected=True)
    project.commit({".gitlab-ci.yml": "show: {script: 'echo \"<$SECRET>\"'}\n"})
    assert "<>" in project.trace(eventually(ended(project, "show", "success"))["id"])
    project.client.post(f"{project.path}/protected_branches", name="main")
    project.client.post(f"{project.path}/pipeline", ref="main")
    assert "<hush>" in project.trace(eventually(ended(project, "show", "success"))["id"])


def verified(token: str, issuer: str) -> dict[str, Any]:
    """The claims of a JWT, checked by the keys that the issuer's discovery leads to."""
    discovery = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=30).json()
    keys = requests.get(discovery["jwks_uri"], timeout=30).json()
    assert discovery["issuer"] == issuer
    assert not any("d" in key for key in keys["keys"]), "the private part stays where it is"
    return dict(jwt.decode(token, KeySet.import_key_set(keys), algorithms=["RS256"]).claims)


def test_a_job_has_the_jwts_that_it_asks_for_with_gitlabs_claims(
    project: Project, gitlab: GitLab, eventually: Eventually
) -> None:
    given: list[dict[str, str]] = []

    def keep(job: Performance) -> int:
        given.append(dict(job.variables))
        return 0

    path = path_of(project)
    gitlab.scripts[path, "ask"] = keep
    token = project.member(f"dev-{project.id}", DEVELOPER)
    developer = Client(project.client.url, token)
    file = """
    ask:
      script: 'true'
      environment: {name: staging, action: verify}
      id_tokens: {GATE_TOKEN: {aud: 'https://gate.example.org'}, TWO: {aud: [a, b]}}
    """
    project.client.post(f"{project.path}/environments", name="staging", tier="staging")
    project.client = developer
    sha = project.commit({".gitlab-ci.yml": file})
    job = eventually(ended(project, "ask", "success"))
    claims = verified(given[0]["GATE_TOKEN"], developer.url)
    expected = {
        "iss": developer.url,
        "aud": "https://gate.example.org",
        "sub": f"project_path:{path}:ref_type:branch:ref:main",
        "project_id": str(project.id),
        "project_path": path,
        "namespace_path": path.rpartition("/")[0],
        "user_login": f"dev-{project.id}",
        "user_access_level": "developer",
        "pipeline_id": str(job["pipeline"]["id"]),
        "pipeline_source": "push",
        "job_id": str(job["id"]),
        "ref": "main",
        "ref_type": "branch",
        "ref_path": "refs/heads/main",
        "ref_protected": "false",
        "environment": "staging",
        "environment_protected": "false",
        "deployment_tier": "staging",
        "environment_action": "verify",
        "sha": sha,
    }
    assert {name: claims.get(name) for name in expected} == expected
    assert claims["nbf"] < claims["iat"] < claims["exp"]
    assert verified(given[0]["TWO"], developer.url)["aud"] == ["a", "b"]
    assert project.client.get(f"{project.path}/deployments") == [], "looking at an environment is no deployment"
    developer.close()


def test_a_job_without_id_tokens_has_none(project: Project, eventually: Eventually) -> None:
    project.commit({".gitlab-ci.yml": "show: {script: 'env'}\n"})
    log = project.trace(eventually(ended(project, "show", "success"))["id"])
    assert "eyJ" not in log
