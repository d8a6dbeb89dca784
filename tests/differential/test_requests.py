"""Requests that no ordinary client sends: strange methods, options, and depths; and what nobody may delete."""

import socket
from urllib.parse import urlsplit

import pytest

from tests.differential.comparing import Pair
from tests.differential.player import JSON_PATCH, STRATEGIC, Ask
from tests.differential.words import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    JOBS,
    NAMESPACES,
    config_map,
    deployment,
)
from tests.grounds import Ground

DEEP = b"[" * 20_000 + b"]" * 20_000
TEMPLATE = {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "web:1"}]}}


def labelled(**labels: str) -> Ask:
    template = {**TEMPLATE, "metadata": {"labels": {name.replace("_", "-"): label for name, label in labels.items()}}}
    return JOBS.create(JOBS.object("j", spec={"template": template}))


SCRIPTS: dict[str, tuple[Ask, ...]] = {
    "namespaces that stay": tuple(
        NAMESPACES.delete(name, **query)
        for name in ("default", "kube-system", "kube-public")
        for query in ({}, {"dryRun": "All"})
    ),
    "methods": tuple(
        Ask(method=method, path=path)
        for method in ("TRACE", "PROPFIND")
        for path in ("/api/v1/namespaces", CONFIG_MAPS.path("a"), "/nowhere", "/version")
    ),
    "bodies too deep": (
        CONFIG_MAPS.create(b'{"x":' + DEEP + b"}").show("kind", "code", "reason"),
        CONFIG_MAPS.create(b'{"x":' + DEEP[:20_000]).show("kind", "code", "reason"),
        CONFIG_MAPS.create(config_map()),
        CONFIG_MAPS.patch(b'{"x":' + DEEP + b"}", "a").show("kind", "code", "reason"),
        CONFIG_MAPS.patch(b'{"x":' + DEEP + b"}", "a", media=STRATEGIC).show("kind", "code", "reason"),
        CONFIG_MAPS.patch(DEEP, "a", media=JSON_PATCH).show("kind", "code", "reason"),
        CONFIG_MAPS.get("a"),
    ),
    "Jobs that nobody can select": (
        JOBS.create(JOBS.object("j", spec={"manualSelector": True, "template": TEMPLATE})).roughly(),
        labelled(job_name="x").show("kind", "reason", "details.causes.0.field"),
        labelled(controller_uid="x").show("kind", "reason", "details.causes.0.field"),
    ),
    "timeouts": (
        *(CONFIG_MAPS.get(timeoutSeconds=text, fieldSelector="metadata.name=x") for text in ("x", "", "9" * 20)),
        CONFIG_MAPS.get(timeoutSeconds="x", limit="y", labelSelector="a in b"),
        CONFIG_MAPS.watch(timeoutSeconds="x", fieldSelector="="),
        CONFIG_MAPS.delete(timeoutSeconds="x"),
        CONFIG_MAPS.get("x", timeoutSeconds="x"),
    ),
    "names of managers": (
        CONFIG_MAPS.create(config_map(), fieldManager="m" * 200),
        CONFIG_MAPS.create(config_map(), fieldManager="m" * 128),
        CONFIG_MAPS.put(config_map(), "a", fieldManager="\u00e9" * 65),
        CONFIG_MAPS.patch({}, "a", fieldManager="a\u200b").roughly(),
        CONFIG_MAPS.patch({}, "a", fieldManager="m" * 200, dryRun="Some", fieldValidation="Odd"),
        CONFIG_MAPS.delete("a", fieldManager="m" * 200).show("kind"),
        DEPLOYMENTS.create(deployment()).show("kind"),
        DEPLOYMENTS.patch({"spec": {"replicas": 0}}, "web", "scale", fieldManager="m" * 200),
    ),
}


@pytest.mark.cluster
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_strange_requests(pair: Pair, script: tuple[Ask, ...]) -> None:
    pair.agree_on(*script)


@pytest.mark.parametrize(
    "head",
    [
        "GET /version HTTP/1.1\r\nContent-Length: abc",
        "GET /version HTTP/1.1\r\nContent-Length: -5",
        "GET http://[ HTTP/1.1",
        "GET /version HTTP/one",
    ],
)
def test_what_is_no_request_is_answered_with_400(lasting_sandbox: Ground, head: str) -> None:
    """In one line of text, as by every server in Go."""
    address = urlsplit(lasting_sandbox.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(head.encode() + b"\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"text/plain" in answer
    assert b"\r\n\r\n400 Bad Request" in answer
