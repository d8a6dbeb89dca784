"""What tests of the embedded GitLab share: a client for one user, and a project with commits."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests

ROOT = "root-token"
GUEST, REPORTER, DEVELOPER, MAINTAINER = 10, 20, 30, 40


class Client:
    """The API with one user's token."""

    def __init__(self, url: str, token: str | None = ROOT) -> None:
        self.url, self.token = url, token
        self._session = requests.Session()
        self._session.trust_env = False
        if token:
            self._session.headers["PRIVATE-TOKEN"] = token

    def ask(self, method: str, path: str, **what: Any) -> requests.Response:
        return self._session.request(method, f"{self.url}/api/v4{path}", timeout=20, **what)

    def get(self, path: str, /, **query: Any) -> Any:
        answer = self.ask("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, /, **body: Any) -> Any:
        answer = self.ask("POST", path, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def close(self) -> None:
        self._session.close()


class Project:
    """One project and what its members do there."""

    def __init__(self, client: Client, path: str = "shop/checkout") -> None:
        namespace, _, name = path.rpartition("/")
        made = client.post("/projects", name=name, path=name, namespace_path=namespace)
        self.client, self.id, self.clone_url = client, made["id"], made["http_url_to_repo"]
        self.path = f"/projects/{quote(path, safe='')}"

    def commit(self, files: Mapping[str, str] | None = None, *, branch: str = "main", action: str = "create") -> str:
        """A commit on a branch; returns its id."""
        actions = [
            {"action": action, "file_path": path, "content": text}
            for path, text in (files or {"README.md": "hello\n"}).items()
        ]
        body = {"branch": branch, "commit_message": "Change", "actions": actions}
        return str(self.client.post(f"{self.path}/repository/commits", **body)["id"])

    def member(self, username: str, level: int = DEVELOPER) -> str:
        """A new user with this role; returns a token."""
        made = self.client.post("/users", username=username, name=username, email=f"{username}@example.org")
        self.client.post(f"{self.path}/members", user_id=made["id"], access_level=level)
        tokens = f"/users/{made['id']}/personal_access_tokens"
        return str(self.client.post(tokens, name="test", scopes=["api"])["token"])

    def pipelines(self, **query: Any) -> list[Any]:
        return list(self.client.get(f"{self.path}/pipelines", **query))

    def pipeline(self, number: int) -> Any:
        return self.client.get(f"{self.path}/pipelines/{number}")

    def jobs(self, pipeline: int) -> dict[str, Any]:
        """The jobs of a pipeline by name."""
        return {job["name"]: job for job in self.client.get(f"{self.path}/pipelines/{pipeline}/jobs")}

    def trace(self, job: int) -> str:
        answer = self.client.ask("GET", f"{self.path}/jobs/{job}/trace")
        assert answer.status_code == 200, answer.text
        return answer.text

    def say(self, sha: str, state: str, *, client: Client | None = None, **more: Any) -> requests.Response:
        """Post a commit status."""
        return (client or self.client).ask("POST", f"{self.path}/statuses/{sha}", json={"state": state, **more})

    def statuses(self, sha: str, **query: Any) -> list[Any]:
        return list(self.client.get(f"{self.path}/repository/commits/{sha}/statuses", **query))
