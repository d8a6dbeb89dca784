"""Pods for tests: shell scripts in a live sandbox, looked at through the API and with kubectl."""

from collections.abc import Callable
from typing import Any

import yaml

from tests.grounds import Ground

PODS = "/api/v1/namespaces/default/pods"
FOREVER = "exec sleep infinity"


class Pods:
    """The pods of the namespace `default`; each runs one shell script, unless a test says otherwise."""

    def __init__(self, ground: Ground, eventually: Callable[[Callable[[], Any]], Any]) -> None:
        self.ground = ground
        self.eventually = eventually
        self.kubectl = ground.kubectl

    @property
    def credentials(self) -> dict[str, str]:
        """The header of the administrator, for clients that do not read the kubeconfig."""
        user = yaml.safe_load(self.ground.kubeconfig.read_text())["users"][0]["user"]
        return {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}

    def run(self, script: str, name: str = "one", *, spec: Any = None, meta: Any = None, **container: Any) -> Any:
        """Create a pod whose container `main` runs the script."""
        main = {"name": "main", "image": "web:1", "command": ["sh", "-c", script], **container}
        return self.create({"containers": [main], **(spec or {})}, name, **(meta or {}))

    def create(self, spec: Any, name: str = "one", **meta: Any) -> Any:
        body = {"metadata": {"name": name, **meta}, "spec": {"terminationGracePeriodSeconds": 5, **spec}}
        made = self.ground.ask("POST", PODS, body)
        assert made.status_code == 201, made.text
        return made.json()

    def make(self, kind: str, name: str, **body: Any) -> Any:
        """Create a ConfigMap, Secret or another object of the core group in the namespace `default`."""
        made = self.ground.ask("POST", f"/api/v1/namespaces/default/{kind}", {"metadata": {"name": name}, **body})
        assert made.status_code == 201, made.text
        return made.json()

    def change(self, kind: str, name: str, **body: Any) -> None:
        media = "application/merge-patch+json"
        done = self.ground.ask("PATCH", f"/api/v1/namespaces/default/{kind}/{name}", body, media=media)
        assert done.status_code == 200, done.text

    def pod(self, name: str = "one") -> Any:
        found = self.ground.ask("GET", f"{PODS}/{name}")
        if found.status_code != 200:
            raise LookupError(found.text)
        return found.json()

    def container(self, container: str = "main", name: str = "one") -> Any:
        status = self.pod(name)["status"]
        rows = [*status.get("initContainerStatuses", ()), *status["containerStatuses"]]
        return {row["name"]: row for row in rows}[container]

    def waits(self, reason: str, container: str = "main", name: str = "one") -> str:
        """The message of a container, as soon as it waits for that reason."""

        def waiting() -> Any:
            state = self.container(container, name)["state"].get("waiting", {})
            return state.get("reason") == reason and state

        return self.eventually(waiting).get("message", "")

    def runs(self, container: str = "main", name: str = "one") -> Any:
        """The container's status, as soon as it runs."""
        self.eventually(lambda: "running" in self.container(container, name)["state"])
        return self.container(container, name)

    def phase(self, phase: str, name: str = "one") -> Any:
        """The pod, as soon as it is in that phase."""
        self.eventually(lambda: self.pod(name)["status"]["phase"] == phase)
        return self.pod(name)

    def condition(self, kind: str, name: str = "one") -> Any:
        return {each["type"]: each for each in self.pod(name)["status"]["conditions"]}[kind]

    def log(self, query: str = "", name: str = "one") -> str:
        answer = self.ground.ask("GET", f"{PODS}/{name}/log?{query}")
        if answer.status_code != 200:
            raise LookupError(answer.json()["message"])
        return answer.text

    def says(self, text: str, query: str = "", name: str = "one") -> str:
        """The log, as soon as it has that text."""
        return self.eventually(lambda: text in self.log(query, name) and self.log(query, name))

    def delete(self, name: str = "one", **options: Any) -> None:
        assert self.ground.ask("DELETE", f"{PODS}/{name}", options).status_code == 200

    def is_gone(self, name: str = "one") -> bool:
        return self.ground.ask("GET", f"{PODS}/{name}").status_code == 404

    def events(self, reason: str) -> list[str]:
        """The messages of all events with this reason."""
        found = self.ground.ask("GET", "/api/v1/namespaces/default/events").json()["items"]
        return [event["message"] for event in found if event["reason"] == reason]

    def event(self, reason: str) -> str:
        """The message of the first event with this reason, as soon as there is one."""
        return str(self.eventually(lambda: self.events(reason))[0])
