"""The API without its transport: a request in, an answer or a stream out."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from gate.sandbox.kubernetes.access.door import Access
from gate.sandbox.kubernetes.access.tokens import Tokens
from gate.sandbox.kubernetes.api import discovery, pod_requests, tables
from gate.sandbox.kubernetes.api.answers import NO_PAGE, Answer, Stream, refusal
from gate.sandbox.kubernetes.api.pod_requests import Conversation, PodCommands, PodLogs
from gate.sandbox.kubernetes.api.reading import Reading
from gate.sandbox.kubernetes.api.writing import Writing
from gate.sandbox.kubernetes.language.errors import ApiError, BadRequest, MethodNotAllowed, NotFound
from gate.sandbox.kubernetes.language.objects import Object, name_of
from gate.sandbox.kubernetes.registry.resources import BUILT_IN
from gate.sandbox.kubernetes.registry.routes import NoSuchPage, Request, Target, target
from gate.sandbox.kubernetes.store.store import Store

_log = logging.getLogger(__name__)


class Api:
    """The Kubernetes API on a store."""

    def __init__(
        self,
        store: Store,
        *,
        logs: PodLogs | None = None,
        commands: PodCommands | None = None,
        tokens: Tokens | None = None,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store = store
        tokens = tokens or Tokens(store, clock=wall)
        self.access = Access(store, tokens)
        self.logs = logs
        self.commands = commands
        self._reading = reading = Reading(store, wall=wall, monotonic=monotonic)
        writing = Writing(store, self.access, tokens, wall=wall)
        self._verbs: dict[str, Callable[[Request, Target], Answer | Stream | Conversation]] = {
            "get": self._get,
            "list": reading.list,
            "watch": reading.watch,
            "create": writing.create,
            "update": writing.update,
            "patch": writing.patch,
            "delete": writing.delete,
            "deletecollection": writing.delete_collection,
        }

    def answer(self, request: Request) -> Answer | Stream | Conversation:
        """What the server says to the request; a refusal is an answer, too."""
        try:
            self.access.check(request)
            about = target(request, self.store.registry)
            if about is None:
                return self._document(request)
            return self._warned(request, about) if about.resource.deprecation else self._done(request, about)
        except NoSuchPage:
            return NO_PAGE
        except ApiError as error:
            return refusal(error)
        except RecursionError:  # the real server stops at a depth, too, only later
            return refusal(BadRequest("the body of the request exceeded max depth"))
        except Exception as error:  # noqa: BLE001 (a fault of this server reaches its client as 500, like a real one's)
            _log.exception("request failed method=%s path=%s", request.method, request.path)
            return refusal(ApiError(f"Internal error occurred: {error!r}"))

    def _done(self, request: Request, about: Target) -> Answer | Stream | Conversation:
        return self._verbs[about.verb](request, about)

    def _warned(self, request: Request, about: Target) -> Answer | Stream | Conversation:
        """The same, of a kind that is to be used no more; a refusal carries the warning, too."""
        try:
            answer = self._done(request, about)
        except ApiError as error:
            answer = refusal(error)
        if isinstance(answer, Conversation):
            return answer
        return replace(answer, warnings=(about.resource.deprecation, *answer.warnings))

    def _document(self, request: Request) -> Answer:
        """Paths that are about no resource: discovery, schemas, version, health."""
        path = request.path.rstrip("/")
        if path in ("/healthz", "/readyz", "/livez"):
            return Answer(body=b"ok", media_type="text/plain; charset=utf-8")
        if path == "/openapi/v2" and request.method == "GET":
            return Answer(body=discovery.OPENAPI_V2, media_type=discovery.OPENAPI_V2_MEDIA_TYPE)
        document = discovery.document(path, self.store.registry)
        places = ("/api", *(f"/apis/{row.group}" for row in BUILT_IN if row.group))
        if document is None and path.startswith(tuple(f"{place}/" for place in places)):
            raise NotFound.path()
        if document is None:
            raise NoSuchPage
        if request.method != "GET":
            raise MethodNotAllowed
        return Answer(body=tables.encode(document))

    def _get(self, request: Request, about: Target) -> Answer | Stream | Conversation:
        if about.subresource == "log":
            return self._log(request, about)
        if about.subresource == "exec":
            return self._exec(request, self.store.entry(about.resource, about.namespace, about.name).copy())
        return self._reading.get(request, about)

    def _log(self, request: Request, about: Target) -> Stream:
        """What a container wrote. The options are judged before the pod is looked for, as by the real server."""
        query = pod_requests.log_query(request, about.name)
        pod = self.store.entry(about.resource, about.namespace, about.name).copy()
        query = replace(query, container=pod_requests.chosen(pod, query.container))
        if self.logs is None:
            raise _no_kubelet(pod)
        return Stream(chunks=self.logs.read(pod, query), media_type="text/plain")

    def _exec(self, request: Request, pod: Object) -> Conversation:
        command = pod_requests.command(request, pod)
        if self.commands is None:
            raise _no_kubelet(pod)
        return self.commands.execute(pod, command, request)


def _no_kubelet(pod: Object) -> ApiError:
    return ApiError(f'no kubelet runs the pod "{name_of(pod)}": nobody can read its log or run a command in it')
