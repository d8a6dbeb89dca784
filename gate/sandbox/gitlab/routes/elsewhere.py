"""What a GitLab has and the sandbox's has not: refused by name, so that nobody takes silence for an answer."""

from gate.sandbox.gitlab.answers import refused
from gate.sandbox.gitlab.asking import PROJECT, Answer, Route, Routes

API = "/api/v4"
WRITING = ("POST", "PUT", "DELETE", "PATCH")

NOT_HERE = {
    "/api/graphql": "GraphQL",
    f"{API}{PROJECT}/fork": "forks",
    f"{API}{PROJECT}/merge_trains": "merge trains",
    f"{API}{PROJECT}/pipeline_schedules": "pipeline schedules",
    f"{API}{PROJECT}/runners": "runners",
    f"{API}{PROJECT}/packages": "packages",
    f"{API}{PROJECT}/registry/repositories": "the container registry",
    f"{API}{PROJECT}/releases": "releases",
    f"{API}{PROJECT}/issues": "issues",
    f"{API}{PROJECT}/deploy_tokens": "deploy tokens",
    f"{API}{PROJECT}/merge_requests/<int:iid>/discussions": "threads",
    f"{API}{PROJECT}/merge_requests/<int:iid>/approve": "approvals of merge requests",
    f"{API}{PROJECT}/pipelines/<int:number>/test_report": "test reports",
    f"{API}{PROJECT}/jobs/<int:number>/artifacts": "artifacts",
    f"{API}/hooks": "system hooks",
    "/oauth/token": "OAuth applications",
    "/oauth/authorize": "OAuth applications",
}
"""Address -> what is there on a real one."""


class Elsewhere:
    """The routes that answer 501."""

    def routes(self) -> Routes:
        """What is asked, how, and who answers it."""
        return tuple(
            Route(rule, method, _not_here(what)) for rule, what in NOT_HERE.items() for method in ("GET", *WRITING)
        )


def _not_here(what: str) -> Answer:
    def answer(**_: object) -> Answer:
        raise refused(501, f"501 Not Implemented: the sandbox's GitLab has no {what}")

    return answer
