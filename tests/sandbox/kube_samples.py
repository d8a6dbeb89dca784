"""Objects for the tests of the embedded Kubernetes, and a client for its HTTP interface."""

import json
from collections.abc import Iterator
from typing import Any

import requests


def deployment(name: str = "web", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": name}},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "main", "image": "shop:1.0"}]},
            },
            **spec,
        },
    }


def pod(name: str = "one", labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": labels or {}},
        "spec": {"containers": [{"name": "main", "image": "shop:1.0"}], **spec},
    }


def config_map(name: str = "settings", /, **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default"},
        "data": data,
    }


def definition(schema: dict[str, Any] | None = None, **version: Any) -> dict[str, Any]:
    """A CustomResourceDefinition of widgets.example.com with this schema for its spec."""
    root = {"type": "object", "properties": {"spec": schema or {"type": "object"}, "status": {"type": "object"}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wi"]},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": root}, **version},
            ],
        },
    }


def widget(name: str = "w", /, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }


class Client:
    """The embedded Kubernetes over its network interface."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def close(self) -> None:
        self._session.close()

    def ask(self, method: str, path: str, body: Any = None, *, media: str = "application/json", **query: Any) -> Any:
        """The response, unjudged."""
        data = body if isinstance(body, bytes | None) else json.dumps(body)
        headers = {"Content-Type": media, **query.pop("headers", {})}
        return self._session.request(method, self._url + path, data=data, params=query, headers=headers, timeout=10)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.ask("GET", path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def create(self, path: str, body: Any, **query: Any) -> Any:
        answer = self.ask("POST", path, body, **query)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def watch(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """The events of a watch until the server ends it (say so with timeoutSeconds)."""
        with self._session.get(self._url + path, params={"watch": "1", **query}, stream=True, timeout=10) as stream:
            assert stream.status_code == 200
            for line in stream.iter_lines():
                yield json.loads(line)
