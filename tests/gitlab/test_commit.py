"""Whether a workload's word about its commit is taken."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from gate.errors import Permanent, Temporary
from gate.gitlab.client import Deployment, Pipeline
from gate.gitlab.commit import Unresolved, Verified, verify
from gate.model import Commit

SHA = "a" * 40
COMMIT = Commit(project="shop/checkout", sha=SHA, pipeline=3)


@dataclass
class Known:
    """What GitLab knows."""

    pipelines: dict[int, str] = field(default_factory=lambda: {3: SHA})
    deployed: Sequence[Deployment] = ()
    error: Exception | None = None

    def pipeline(self, project: str, pipeline: int) -> Pipeline:
        if self.error is not None:
            raise self.error
        if project != COMMIT.project or pipeline not in self.pipelines:
            raise Permanent("404 Not Found")
        return Pipeline(id=pipeline, sha=self.pipelines[pipeline], status="running")

    def deployments(self, project: str, *, environment: str) -> Sequence[Deployment]:
        return self.deployed if (project, environment) == (COMMIT.project, "staging") else ()


def deployment(status: str, *, number: int = 1, sha: str = SHA) -> Deployment:
    return Deployment(id=number, sha=sha, status=status)


def test_a_pipeline_of_that_commit_is_enough_where_no_environment_is_asked() -> None:
    assert verify(Known(), COMMIT) == Verified(commit=COMMIT, how="pipeline 3")


@pytest.mark.parametrize("status", ["running", "success"])
def test_a_deployment_that_runs_or_has_ended_well_confirms_it(status: str) -> None:
    found = verify(Known(deployed=[deployment(status)]), COMMIT, environment="staging")
    assert found == Verified(commit=COMMIT, how=f"pipeline 3, deployment 1 ({status})")


@pytest.mark.parametrize(
    ("known", "commit", "environment", "why"),
    [
        (Known(), replace(COMMIT, pipeline=None), "", "no pipeline is named"),
        (Known(pipelines={}), COMMIT, "", "404 Not Found"),
        (Known(pipelines={3: "b" * 40}), COMMIT, "", "pipeline 3 of shop/checkout is for commit bbbbbbbb"),
        (Known(), COMMIT, "staging", "no deployment of commit aaaaaaaa to staging"),
        (Known(deployed=[deployment("success", sha="b" * 40)]), COMMIT, "staging", "no deployment of commit"),
        (Known(deployed=[deployment("failed")]), COMMIT, "staging", "is failed"),
        (Known(deployed=[deployment("failed", number=2), deployment("success")]), COMMIT, "staging", "deployment 2"),
    ],
)
def test_what_gitlab_does_not_confirm_is_unresolved_and_says_why(
    known: Known, commit: Commit, environment: str, why: str
) -> None:
    found = verify(known, commit, environment=environment)
    assert isinstance(found, Unresolved)
    assert why in found.why


def test_a_gitlab_that_is_away_says_neither_yes_nor_no() -> None:
    with pytest.raises(Temporary):
        verify(Known(error=Temporary("502")), COMMIT)
