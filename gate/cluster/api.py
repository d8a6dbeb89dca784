"""The Kubernetes API spoken raw: JSON in, JSON out, one error for each thing that can go wrong.

The `kubernetes` library finds the server and proves who we are; its typed models are left alone, because parsing them
costs fifty times what `json.loads` does (500 Deployments: 0.22 s against 0.004 s).
"""

import copy
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit, urlunsplit

import urllib3
import yaml
from kubernetes import config
from kubernetes.client import Configuration
from kubernetes.client.rest import RESTClientObject

from gate.cluster import executing
from gate.cluster.resources import path_of
from gate.cluster.said import Json, Silent, Unserved, WatchEvent, error_of, event_of, lines_of, object_of, page_of
from gate.errors import Absent, Conflict, GateError, NoProgram, Permanent, Temporary

AGENT = "chaos-gate"
USUAL = Path("~/.kube/config")
CONNECT = 5.0
READ = 20.0
SILENCE = 90.0
"""Seconds after which a watch that says nothing is taken for cut. Servers send a bookmark about each minute."""
CONNECTIONS = 100
"""How many are kept for the next request. With fewer, as many runs at once would connect anew each time."""
PAGE = 500
UNTOLD = {"fieldValidation": "Ignore"}
"""A server drops fields that it does not know either way. To warn of them costs it a quarter of a small write, and
nobody here reads warnings.
"""


class Form(Enum):
    """How much of each object the server sends."""

    WHOLE = "application/json"
    METADATA = "application/json;as=PartialObjectMetadata{kind};g=meta.k8s.io;v=v1"
    """Who it is, without what it says: a fraction of the bytes where a change is only a hint."""


class Carrier(Protocol):
    """Takes requests to the server and brings the answers. urllib3's pools do, and raise its `HTTPError`."""

    def request(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        *,
        headers: Mapping[str, str],
        timeout: urllib3.Timeout,
        retries: bool,
        preload_content: bool = True,
    ) -> urllib3.BaseHTTPResponse: ...


class Timing(Protocol):
    """A clock that learns from answers."""

    def moment(self) -> float:
        """Now, by a clock that nobody can set."""
        ...

    def heard(self, date: str, asked: float) -> None:
        """An answer to what was asked at that moment says this `Date`."""
        ...


class Api:
    """One API server. Thread-safe; raises `Temporary`, `Denied` or `Permanent`, never a library's error."""

    def __init__(self, configuration: Configuration, carrier: Carrier | None = None) -> None:
        """Without a `carrier` the requests go through a pool of connections of their own."""
        self.host = _without_user(str(configuration.host).rstrip("/"))
        self.agent = AGENT
        """How requests name who sends them; audit logs show it."""
        self._configuration = configuration
        self._read = READ
        self._clock: Timing | None = None
        self._before_write: Callable[[], None] = _nothing
        self._carrier: Carrier = carrier or RESTClientObject(configuration).pool_manager

    @classmethod
    def from_environment(cls, kubeconfig: str | None = None, *, agent: str = AGENT) -> "Api":
        """The server of the kubeconfig named, of KUBECONFIG, of ~/.kube/config, or the one of the pod we run in."""
        configuration = Configuration()
        library: Any = config  # it has no types
        kubeconfig = kubeconfig or os.environ.get("KUBECONFIG")  # the library knows what that was at its import
        try:
            # The library's own choice prints to the standard output, and takes a KUBECONFIG of two files for none.
            if kubeconfig or USUAL.expanduser().exists():
                library.load_kube_config(kubeconfig, client_configuration=configuration, persist_config=False)
            else:
                library.load_incluster_config(client_configuration=configuration)
        except (config.ConfigException, OSError) as error:
            why = str(error).rstrip(".")
            raise GateError(f"no Kubernetes to talk to: {why}; set KUBECONFIG to a kubeconfig file") from error
        except (AttributeError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
            # The library takes for granted that the file is a kubeconfig.
            where = kubeconfig or USUAL
            raise GateError(f"{where} is no kubeconfig ({type(error).__name__}); set KUBECONFIG to one") from error
        configuration.connection_pool_maxsize = CONNECTIONS
        api = cls(configuration)
        api.agent = agent
        return api

    def fenced(self, insist: Callable[[], None]) -> "Api":
        """The same server, for writes that may be made only as long as `insist` does not raise; it is called right
        before each of them.
        """
        fenced = copy.copy(self)
        fenced._before_write = insist
        return fenced

    def timing(self, clock: "Timing") -> "Api":
        """The same server, and a clock that hears what time its answers say."""
        timing = copy.copy(self)
        timing._clock = clock
        return timing

    def hurried(self, seconds: float) -> "Api":
        """The same server, for questions whose answers are worth nothing after so many seconds."""
        hurried = copy.copy(self)
        hurried._read = seconds
        return hurried

    def get(self, resource: str, namespace: str, name: str) -> Json | None:
        """None if the server says that there is no such object; a 404 of anybody else says nothing."""
        try:
            return object_of(self._call("GET", path_of(resource, namespace, name)))
        except Absent:
            return None

    def user(self) -> str:
        """Who the server takes us for."""
        said = self.review("authentication.k8s.io", "SelfSubjectReview", {})
        return str((said.get("userInfo") or {}).get("username") or "nobody")

    def token_of(self, namespace: str, account: str, audience: str) -> str:
        """A token of a service account for somebody else than the server, for ten minutes."""
        spec = {"audiences": [audience], "expirationSeconds": 600}
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        said = self._call("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token", body=body)
        return str(said["status"]["token"])

    def review(self, group: str, kind: str, spec: Json) -> Json:
        """What the server says to a question about users or rights. It keeps neither."""
        body = {"apiVersion": f"{group}/v1", "kind": kind, **({"spec": spec} if spec else {})}
        return self._call("POST", f"/apis/{group}/v1/{kind.lower()}s", body=body).get("status") or {}

    def served(self, group: str, version: str) -> frozenset[str]:
        """The plural names of the resources that the server has in a group; none if it has no such group."""
        try:
            said = self._call("GET", f"/apis/{group}/{version}")
        except (Unserved, Absent):
            return frozenset()
        return frozenset(each["name"] for each in said.get("resources") or ())

    def list(
        self, resource: str, namespace: str = "", *, labels: str = "", form: Form = Form.WHOLE, cached: bool = False
    ) -> tuple[list[Json], str]:
        """All objects, read page by page, and the resourceVersion from which a watch goes on.

        They are as they are now, or, `cached`, as the server happens to have them, which may be a moment ago, or long
        ago. Now is the dearer answer: a server with a cache waits up to 0.1 s until it knows that the cache is current.
        Raises `Absent` if the server has no such resource.
        """
        items: list[Json] = []
        version = ""
        for page, now in self.pages(resource, namespace, labels=labels, form=form, cached=cached):
            items += page
            version = now
        return items, version

    def pages(
        self, resource: str, namespace: str = "", *, labels: str = "", form: Form = Form.WHOLE, cached: bool = False
    ) -> Iterator[tuple[Sequence[Json], str]]:
        """The same page by page, for those who keep little of each object: a whole list takes fifty times its bytes."""
        query = {"limit": str(PAGE), **({"labelSelector": labels} if labels else {})}
        query |= {"resourceVersion": "0"} if cached else {}
        token: str | None = None
        while token != "":
            try:
                page = self._call("GET", path_of(resource, namespace), query, accept=form.value.format(kind="List"))
            except Unserved as error:
                raise Absent(str(error)) from error
            found, version, token = page_of(page, f"the list of {resource} at {self.host}")
            del page
            yield found, version
            del found
            query["continue"] = token
            query.pop("resourceVersion", None)  # the token says which

    def watch(
        self, resource: str, namespace: str, since: str, *, lasting: timedelta, form: Form = Form.WHOLE
    ) -> Iterator[WatchEvent]:
        """What happens after `since`, for about so long. Raises `Expired` when that is too long ago, `Silent` when for
        too long nothing was heard, not even a bookmark.
        """
        query = {
            "watch": "true",
            "resourceVersion": since,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(int(lasting.total_seconds())),
        }
        url = f"{self.host}{path_of(resource, namespace)}?{urlencode(query)}"
        # The server ends the watch; the read timeout is for a server that went away without a word.
        timeout = urllib3.Timeout(connect=CONNECT, read=SILENCE)
        answered = False
        try:
            headers = self._headers(form.value.format(kind=""))
            response = self._carrier.request(
                "GET", url, headers=headers, timeout=timeout, retries=False, preload_content=False
            )
            answered = True
            with closing(response):
                if response.status >= 400:
                    raise error_of(response.status, response.read(), url)
                for line in lines_of(response):
                    yield event_of(line, url)
        except Unserved as error:
            raise Absent(str(error)) from error
        except (urllib3.exceptions.HTTPError, ValueError, KeyError) as error:
            if answered and isinstance(error, urllib3.exceptions.ReadTimeoutError):
                raise Silent(f"the watch of {resource} at {self.host} has said nothing for {SILENCE:.0f} s") from error
            raise Temporary(f"the watch of {resource} at {self.host} broke: {error}") from error

    def create(self, resource: str, namespace: str, body: Json, *, strict: bool = False) -> Json:
        """Create it; `Conflict` if the name is taken. `strict`: a field that the server does not know is refused."""
        query = {"fieldValidation": "Strict"} if strict else UNTOLD
        return object_of(self._call("POST", path_of(resource, namespace), query, body=body))

    def patch(self, resource: str, namespace: str, name: str, body: Json, *, subresource: str = "") -> Json:
        return object_of(self._call("PATCH", path_of(resource, namespace, name, subresource), UNTOLD, body=body))

    def replace(self, resource: str, namespace: str, name: str, body: Json) -> Json:
        return object_of(self._call("PUT", path_of(resource, namespace, name), body=body))

    def delete(self, resource: str, namespace: str, name: str, *, uid: str, grace: timedelta | None = None) -> bool:
        body: Json = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
        if resource == "jobs":  # for compatibility, the server would leave their pods alone
            body["propagationPolicy"] = "Background"
        if grace is not None:
            body["gracePeriodSeconds"] = int(grace.total_seconds())
        path = path_of(resource, namespace, name)
        return self._end(resource, namespace, name, uid, lambda: self._call("DELETE", path, body=body))

    def evict(self, namespace: str, name: str, *, uid: str, grace: timedelta | None = None) -> bool:
        options: Json = {"preconditions": {"uid": uid}}
        if grace is not None:
            options["gracePeriodSeconds"] = int(grace.total_seconds())
        metadata = {"name": name, "namespace": namespace}
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata, "deleteOptions": options}
        path = path_of("pods", namespace, name, "eviction")
        return self._end("pods", namespace, name, uid, lambda: self._call("POST", path, body=body))

    def execute(
        self, namespace: str, pod: str, container: str, command: Sequence[str], *, changing: bool = True
    ) -> str:
        what, path = f"{command[0]} in {namespace}/{pod}/{container}", path_of("pods", namespace, pod, "exec")
        if changing:
            self._before_write()
        try:
            query = urlencode({"container": container})
            ended = executing.run(
                f"{self.host}{path}?{query}", self._headers(), self._configuration, command, self._read
            )
        except executing.Refused as error:
            raise error_of(error.status, error.body, what) from error
        except executing.Broken as error:
            raise Temporary(f"{what}: nobody says how it ended: {error}") from error
        if ended.has_no_program:
            raise NoProgram(f"{what}: {ended.failure}")
        if not ended.started or ended.was_killed:  # the container may be on its way to its end, or to its start
            raise Temporary(f"{what}: {ended.failure}")
        if ended.failure:
            raise Permanent(f"{what}: {ended.failure}: {ended.errors.strip()[:200]}".rstrip(": "))
        return ended.output

    def _end(self, resource: str, namespace: str, name: str, uid: str, ask: Callable[[], object]) -> bool:
        """Ask for the object's end; False if it is gone, or another one has taken its name."""
        try:
            ask()
        except Absent:
            return False
        except Conflict:
            present = self.get(resource, namespace, name)
            if present is not None and present["metadata"]["uid"] == uid:
                raise
            return False
        return True

    def _headers(self, accept: str = Form.WHOLE.value) -> dict[str, str]:
        headers = {"Accept": accept, "User-Agent": self.agent}
        settings: Any = self._configuration.auth_settings()
        for setting in settings.values():
            if setting["in"] == "header" and setting["value"]:
                headers[setting["key"]] = setting["value"]
        return headers

    def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        *,
        accept: str = Form.WHOLE.value,
    ) -> Json:
        url = self.host + path + (f"?{urlencode(query)}" if query else "")
        headers = self._headers(accept)
        if body is not None:
            headers["Content-Type"] = "application/merge-patch+json" if method == "PATCH" else "application/json"
        if method != "GET":
            self._before_write()
        asked = self._clock.moment() if self._clock else 0.0
        try:
            response = self._carrier.request(
                method,
                url,
                body=None if body is None else json.dumps(body).encode(),
                headers=headers,
                timeout=urllib3.Timeout(connect=min(CONNECT, self._read), read=self._read),
                retries=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise Temporary(f"{method} {url}: the Kubernetes API does not answer: {error}") from error
        if self._clock and (date := response.headers.get("Date")):
            self._clock.heard(date, asked)
        if response.status >= 400:
            raise error_of(response.status, response.data, f"{method} {url}")
        try:
            answer: Json | object = json.loads(response.data)
        except ValueError as error:
            raise Temporary(f"{method} {url}: the answer is not JSON: {response.data[:80]!r}") from error
        if not isinstance(answer, dict):
            raise Temporary(f"{method} {url}: the answer is no object: {response.data[:80]!r}")
        return answer


def _nothing() -> None:
    """Nobody minds."""


def _without_user(address: str) -> str:
    """Some kubeconfigs have a password in the address. It is not how we say who we are, and it is in no message."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
