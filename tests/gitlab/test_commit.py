"""A hint counts only as far as GitLab confirms it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from gate.errors import Permanent, Temporary
from gate.gitlab.client import Deployment, Pipeline
from gate.gitlab.commit import Resolved, Unresolved, resolve
from gate.model import Commit, CommitHint, Rung
from tests.gitlab.ground import PATH, World

SHA, OTHER = "a" * 40, "b" * 40
TAG = CommitHint(rung=Rung.IMAGE_TAG, project="shop/checkout", revision=SHA)
SHORT = CommitHint(rung=Rung.IMAGE_TAG, project="shop/checkout", revision=SHA[:8])


@dataclass
class Known:
    """What GitLab knows."""

    commits: dict[str, str] = field(default_factory=lambda: {SHA: SHA, SHA[:8]: SHA})
    pipelines: Sequence[Pipeline] = (Pipeline(id=7, sha=SHA, status="running", source="push"),)
    deployed: Sequence[Deployment] = ()
    trouble: Exception | None = None

    def commit(self, project: str, revision: str) -> str:
        if self.trouble:
            raise self.trouble
        if revision not in self.commits:
            raise Permanent("GitLab answered 404: 404 Commit Not Found")
        return self.commits[revision]

    def pipelines_of(self, project: str, sha: str) -> Sequence[Pipeline]:
        return [each for each in self.pipelines if each.sha == sha]

    def deployments(self, project: str, *, environment: str) -> Sequence[Deployment]:
        return self.deployed if environment == "staging" else ()


def deployment(status: str = "running", *, sha: str = SHA, pipeline: int | None = 9) -> Deployment:
    return Deployment(id=1, sha=sha, status=status, pipeline=pipeline)


def found(known: Known, hint: CommitHint = TAG) -> Resolved | Unresolved:
    return resolve(known, hint, project=PATH, environment="staging")


@pytest.mark.parametrize("hint", [TAG, SHORT])
def test_the_pipeline_of_the_deployment_is_the_one_that_waits(hint: CommitHint) -> None:
    answer = found(Known(deployed=[deployment(sha=OTHER, pipeline=11), deployment("success")]), hint)
    assert answer == Resolved(commit=Commit(project=PATH, sha=SHA, pipeline=9), how="image tag, deployment 1 (success)")


def test_without_a_deployment_it_is_the_newest_pipeline_that_somebody_waits_for() -> None:
    pipelines = [
        Pipeline(id=number, sha=SHA, status="running", source=source)
        for number, source in ((9, "parent_pipeline"), (8, "external"), (7, "merge_request_event"), (6, "push"))
    ]
    answer = found(Known(pipelines=pipelines))
    assert isinstance(answer, Resolved)
    assert answer.commit.pipeline == 7
    assert answer.how == "image tag, pipeline 7, no deployment recorded"


@pytest.mark.parametrize(
    ("known", "hint", "words"),
    [
        (Known(commits={}), TAG, "404 Commit Not Found"),
        (Known(commits={SHA[:8]: OTHER}), SHORT, "aaaaaaaa of the image tag is no commit of shop/checkout"),
        (Known(pipelines=()), TAG, "has no pipeline of commit aaaaaaaa that waits for a status"),
        (Known(deployed=[deployment("failed")]), TAG, "is failed; run the deploy job again"),
    ],
)
def test_what_gitlab_does_not_confirm_is_unresolved_with_the_remedy(known: Known, hint: CommitHint, words: str) -> None:
    answer = found(known, hint)
    assert isinstance(answer, Unresolved)
    assert words in answer.why
    assert "run the deploy job again" in answer.why or "chaos-gate annotate" in answer.why


def test_while_gitlab_is_away_there_is_no_answer() -> None:
    with pytest.raises(Temporary, match="away"):
        found(Known(trouble=Temporary("away")))


def test_the_embedded_gitlab_confirms_a_commit_by_its_beginning(world: World) -> None:
    hint = CommitHint(rung=Rung.IMAGE_TAG, project=PATH, revision=world.sha[:8])
    answer = resolve(world.client, hint, project=PATH, environment="staging")
    assert isinstance(answer, Resolved)
    assert (answer.commit.sha, answer.commit.pipeline) == (world.sha, max(world.pipelines))
    unknown = CommitHint(rung=Rung.IMAGE_TAG, project=PATH, revision="f" * 8)
    assert isinstance(resolve(world.client, unknown, project=PATH, environment="staging"), Unresolved)
