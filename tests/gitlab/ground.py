"""What tests against the embedded GitLab share: a commit that has two pipelines, and a bot that reports on it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gate.gitlab.client import GitLab as Client
from gate.gitlab.protocol import Request
from gate.sandbox.gitlab import GitLab
from tests.sandbox.gitlab_world import MAINTAINER, ROOT, Project
from tests.sandbox.gitlab_world import Client as Admin

PATH = "shop/checkout"
ASKED = quote(PATH, safe="")
"""The path as it stands in requests, and so where trouble has to be ordered for it."""
MANUAL = "later:\n  when: manual\n  script: [exit 0]\n"
PATIENCE = 180.0
ASKING = """
say:
  id_tokens:
    CHAOS_GATE_ID_TOKEN: {{aud: {audience}}}
  script:
    - printf %s "$CHAOS_GATE_ID_TOKEN" > {file}.part
    - mv {file}.part {file}
"""


@dataclass
class World:
    """One GitLab with a commit that has two pipelines; each test uses status names of its own."""

    server: GitLab
    project: Project
    client: Client
    sha: str
    pipelines: tuple[int, int]
    bot: int
    token: str

    def shown(self, name: str, pipeline: int) -> list[dict[str, Any]]:
        """What a person sees; asked by the number of the project, which meets none of the trouble that was ordered."""
        path = f"/projects/{self.project.id}/repository/commits/{self.sha}/statuses"
        return list(self.project.client.get(path, name=name, pipeline_id=pipeline, per_page=100))

    def lands(self, request: Request) -> None:
        """The bot's request arrives at last."""
        path = request.path.replace(ASKED, str(self.project.id))
        self.project.client.ask("POST", path, json=request.body, headers={"PRIVATE-TOKEN": self.token})

    def calm(self) -> None:
        """What was ordered and not met is not for the next history."""
        for method in ("GET", "POST"):
            while self.server.troubles.meets(method, f"{ASKED}/statuses"):
                pass


@contextmanager
def served(now: Callable[[], datetime] | None = None) -> Iterator[World]:
    """The embedded GitLab, until the end of the block."""
    with GitLab(root_token=ROOT, **({"clock": now} if now else {})) as server:
        admin = Admin(server.url)
        project = Project(admin, PATH)
        sha = project.commit({".gitlab-ci.yml": MANUAL})
        token = project.member("bot", MAINTAINER)
        second = admin.post(f"{project.path}/pipeline", ref="main")["id"]
        first = next(each["id"] for each in project.pipelines(sha=sha) if each["id"] != second)
        client = Client(server.url, lambda: token)
        yield World(server, project, client, sha, (first, second), client.user(), token)
        client.close()
        admin.close()


def job_token(world: World, path: str, audience: str, file: Path) -> str:
    """What a job of the project is given as `id_tokens`; it writes that into the file."""
    Project(world.project.client, path).commit({".gitlab-ci.yml": ASKING.format(audience=audience, file=file)})
    deadline = time.monotonic() + PATIENCE
    while not file.exists():
        assert time.monotonic() < deadline, "the job has said nothing"
        threading.Event().wait(0.05)
    return file.read_text()
