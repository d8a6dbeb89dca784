"""Fills an empty GitLab and an empty Kubernetes as a team would have, through their own APIs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from gate.errors import Permanent

Json = Any


class Rest:
    """One server that speaks JSON. What it refuses is raised with its own words."""

    def __init__(self, base: str, headers: Mapping[str, str] | None = None) -> None:
        self._base = base
        self._session = requests.Session()
        self._session.trust_env = False  # nothing on loopback is reached through a proxy
        self._session.headers.update(headers or {})

    def get(self, path: str) -> Json:
        return self._ask("GET", path)

    def post(self, path: str, body: Json) -> Json:
        return self._ask("POST", path, json=body)

    def close(self) -> None:
        self._session.close()

    def _ask(self, method: str, path: str, **what: Any) -> Json:
        answer = self._session.request(method, self._base + path, timeout=10, **what)
        if answer.status_code >= 400:
            raise Permanent(f"{method} {self._base}{path}: {answer.status_code}: {answer.text[:300]}")
        return answer.json()


class Team:
    """What the platform team and the shop's team do in GitLab. `rest` carries the root token."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def bot(self, name: str, projects: Mapping[str, int]) -> str:
        """The gate's own user, a Developer in these projects; returns its token."""
        user = self._rest.post("/api/v4/users", {"username": name, "name": name, "email": f"{name}@example.org"})
        for project, level in projects.items():
            self._rest.post(f"{_project(project)}/members", {"user_id": user["id"], "access_level": level})
        token = self._rest.post(
            f"/api/v4/users/{user['id']}/personal_access_tokens", {"name": "gate", "scopes": ["api"]}
        )
        return str(token["token"])

    def project(self, path: str) -> str:
        """A new project; returns the address of its repository."""
        namespace, _, name = path.rpartition("/")
        made = self._rest.post("/api/v4/projects", {"path": name, "name": name, "namespace_path": namespace})
        return str(made["http_url_to_repo"])

    def variables(self, project: str, values: Mapping[str, str]) -> None:
        for key, value in values.items():
            self._rest.post(f"{_project(project)}/variables", {"key": key, "value": value})

    def commit(self, project: str, message: str, files: Mapping[str, str], *, action: str = "create") -> str:
        """One commit on main; returns its id."""
        actions = [{"action": action, "file_path": path, "content": text} for path, text in files.items()]
        body = {"branch": "main", "commit_message": message, "actions": actions}
        return str(self._rest.post(f"{_project(project)}/repository/commits", body)["id"])

    def pipeline(self, project: str, sha: str) -> Json | None:
        """The newest pipeline of a commit."""
        found = self._rest.get(f"{_project(project)}/pipelines?sha={sha}&order_by=id&sort=desc")
        return found[0] if found else None

    def jobs(self, project: str, pipeline: int) -> list[Json]:
        """The jobs of a pipeline, in the order in which they run."""
        return sorted(self._rest.get(f"{_project(project)}/pipelines/{pipeline}/jobs"), key=lambda job: int(job["id"]))

    def trace(self, project: str, job: int) -> str:
        """What a job printed."""
        answer = self._rest.get(f"{_project(project)}/jobs/{job}/trace")
        return str(answer)

    def statuses(self, project: str, sha: str) -> list[Json]:
        """The commit statuses of a commit, as GitLab answers them; without the rows of its own jobs."""
        found = self._rest.get(f"{_project(project)}/repository/commits/{sha}/statuses?all=1&per_page=100")
        return [row for row in found if str(row["name"]).startswith("chaos/")]


def files_of(folder: Path) -> dict[str, str]:
    """Every file below a folder, by its path there."""
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def apply(rest: Rest, manifest: Json) -> None:
    """Create one Kubernetes object."""
    namespace = manifest["metadata"].get("namespace")
    within = f"/namespaces/{namespace}" if namespace else ""
    group = "/api/v1" if manifest["apiVersion"] == "v1" else f"/apis/{manifest['apiVersion']}"
    rest.post(f"{group}{within}/{manifest['kind'].lower()}s", manifest)


def _project(path: str) -> str:
    return f"/api/v4/projects/{quote(path, safe='')}"
