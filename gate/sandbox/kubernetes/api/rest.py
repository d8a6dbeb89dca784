"""The API without its transport: a request in, an answer or a stream out."""

import logging
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from gate.sandbox.kubernetes.access.door import Access
from gate.sandbox.kubernetes.access.tokens import Tokens
from gate.sandbox.kubernetes.api import (
    bodies,
    discovery,
    eviction,
    options,
    patching,
    pod_requests,
    scales,
    tables,
    token_requests,
    watching,
)
from gate.sandbox.kubernetes.api.pod_requests import Conversation, PodCommands, PodLogs
from gate.sandbox.kubernetes.api.reviews import Reviews
from gate.sandbox.kubernetes.api.tables import Form, accepted, accepted_of_many, accepted_of_one, included
from gate.sandbox.kubernetes.language.decoding import (
    Decoded,
    UndecodableError,
    bare_finalizers,
    check_object,
    parse,
)
from gate.sandbox.kubernetes.language.errors import (
    ApiError,
    BadRequest,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    MethodNotAllowed,
    NotFound,
    Timeout,
    invalid,
)
from gate.sandbox.kubernetes.language.objects import (
    Object,
    is_terminating,
    lookup,
    name_of,
    namespace_of,
    revision_of,
    uid_of,
)
from gate.sandbox.kubernetes.language.selectors import FieldSelector, selection
from gate.sandbox.kubernetes.registry.resource import Resource
from gate.sandbox.kubernetes.registry.resources import BUILT_IN, NAMESPACES
from gate.sandbox.kubernetes.registry.routes import NoSuchPage, Request, Target, target
from gate.sandbox.kubernetes.store.changes import Entry
from gate.sandbox.kubernetes.store.lifecycle import carried_revision, is_over
from gate.sandbox.kubernetes.store.store import Store

_log = logging.getLogger(__name__)

JSON = "application/json"

IMMORTAL = ("default", "kube-system", "kube-public")
"""The namespaces that nobody may delete, be they there or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole response."""

    body: bytes
    status: int = 200
    media_type: str = JSON
    warnings: tuple[str, ...] = ()
    retry_after: int | None = None
    """Seconds after which to ask again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A response that goes on. An empty chunk is a sign of life: nothing to send, but see whether somebody is there."""

    chunks: Generator[bytes]
    media_type: str = JSON
    warnings: tuple[str, ...] = ()


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
        self._tokens = tokens or Tokens(store, clock=wall)
        self.access = Access(store, self._tokens)
        self._reviews = Reviews(self.access, self._tokens, wall)
        self.logs = logs
        self.commands = commands
        self._wall = wall
        self._monotonic = monotonic
        self._verbs: dict[str, Callable[[Request, Target], Answer | Stream | Conversation]] = {
            "get": self._get,
            "list": self._list,
            "watch": self._watch,
            "create": self._create,
            "update": self._update,
            "patch": self._patch,
            "delete": self._delete,
            "deletecollection": self._delete_collection,
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
            return _NO_PAGE
        except ApiError as error:
            return _refusal(error)
        except RecursionError:  # the real server stops at a depth, too, only later
            return _refusal(BadRequest("the body of the request exceeded max depth"))
        except Exception as error:  # noqa: BLE001 (a fault of this server reaches its client as 500, like a real one's)
            _log.exception("request failed method=%s path=%s", request.method, request.path)
            return _refusal(ApiError(f"Internal error occurred: {error!r}"))

    def _done(self, request: Request, about: Target) -> Answer | Stream | Conversation:
        return self._verbs[about.verb](request, about)

    def _warned(self, request: Request, about: Target) -> Answer | Stream | Conversation:
        """The same, of a kind that is to be used no more; a refusal carries the warning, too."""
        try:
            answer = self._done(request, about)
        except ApiError as error:
            answer = _refusal(error)
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

    # Reading

    def _get(self, request: Request, about: Target) -> Answer | Stream | Conversation:
        if about.subresource == "log":
            return self._log(request, about)
        entry = self.store.entry(about.resource, about.namespace, about.name)
        if about.subresource == "exec":
            return self._exec(request, entry.copy())
        form = accepted_of_one(request.headers.get("accept", ""))
        options.check_version_of_one(request)
        if about.subresource == "scale" and about.resource.scale:
            return Answer(body=tables.encode(scales.scale_of(about.resource.scale, entry.shared)))
        include = included(request.query, form)
        return Answer(body=tables.one(about.resource, entry, form, self._wall(), include))

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

    def _list(self, request: Request, about: Target) -> Answer:
        form = accepted_of_many(request.headers.get("accept", ""))
        request.number("timeoutSeconds")  # no list takes so long, but it has to be a number
        labels, fields = options.selectors(request, about.resource)
        at, after = self._moment(request, about.resource)
        entries, revision = self.store.entries(about.resource, about.namespace or None, labels, fields, at=at)
        if after is not None:
            entries = [entry for entry in entries if options.place(entry) > after]
        metadata: Object = {"resourceVersion": str(revision)}
        limit = request.number("limit") or 0
        if 0 < limit < len(entries):
            metadata["continue"] = options.continue_token(revision, entries[limit - 1])
            if labels is None and fields is None:
                metadata["remainingItemCount"] = len(entries) - limit
            entries = entries[:limit]
        include = included(request.query, form)
        return Answer(body=tables.many(about.resource, entries, metadata, form, self._wall(), include))

    def _moment(self, request: Request, resource: Resource) -> tuple[int | None, tuple[str, str] | None]:
        """The revision that a list shows (None: the latest), and the place after which it goes on."""
        token, version = request.query.get("continue"), request.query.get("resourceVersion", "")
        match = request.query.get("resourceVersionMatch", "")
        options.check_match(request)
        if token:
            if version and version != "0":
                raise BadRequest("specifying resource version is not allowed when using continue")
            revision, after = options.read_continue_token(token)
            try:
                self.store.entries(resource, at=revision if revision > 0 else None)
            except Gone as gone:
                raise options.expired_token(after) from gone
            return (revision if revision > 0 else None), after
        asked = options.revision(version)
        if match == "Exact" or (asked and not match and request.number("limit")):
            return asked, None
        if asked is not None and asked > self.store.revision:
            raise Timeout.too_large(asked, self.store.revision)
        return None, None

    def _watch(self, request: Request, about: Target) -> Stream:
        seconds = request.number("timeoutSeconds")
        labels, fields = options.selectors(request, about.resource)
        if about.name:
            fields = FieldSelector.parse(f"metadata.name={about.name}", ())
        view = watching.View(
            resource=about.resource,
            namespace=about.namespace,
            wanted=selection(labels, fields),
            form=accepted(request.headers.get("accept", "")),
            include=included(request.query, Form.TABLE),
            bookmarks=request.flag("allowWatchBookmarks"),
            seconds=float(seconds) if seconds else None,
        )
        version = request.query.get("resourceVersion", "")
        options.check_version_of_one(request)
        asked = options.revision(version)
        initial: list[Entry] = []
        sends_initial = request.flag("sendInitialEvents")
        options.check_match(request)
        if not asked or sends_initial:
            with self.store.lock:
                initial, asked = self.store.entries(about.resource, about.namespace or None, labels, fields)
                if request.query.get("sendInitialEvents") and not sends_initial:
                    initial = []
                watch = self.store.subscribe([about.resource], since=asked)
        else:
            try:
                watch = self.store.subscribe([about.resource], since=asked)
            except Gone as gone:
                return Stream(chunks=watching.refusal(gone))
        chunks = watching.stream(
            view,
            initial,
            watch,
            asked,
            initial_end=sends_initial and view.bookmarks,
            wall=self._wall,
            monotonic=self._monotonic,
        )
        next(chunks)
        return Stream(chunks=chunks)

    # Writing

    def _create(self, request: Request, about: Target) -> Answer:
        if about.subresource == "eviction":
            return self._made(request, *eviction.answer(request, about, self.store, self._wall))
        if about.subresource == "token":
            return self._made(request, *token_requests.answer(request, about, self.store, self._tokens, self._wall))
        decoded = bodies.read(request, about.resource)
        obj = decoded.object
        if self._reviews.answers(about.resource):
            return self._answer_review(request, about, decoded)
        about.place(obj)
        if _version_in(obj):
            raise ApiError("resourceVersion should not be set on objects to be created", reason="")
        self.access.check_grant(request.user, about.resource, about.namespace, obj)
        created = self.store.create(about.resource, obj, dry_run=options.dry_run(request, "CreateOptions"))
        return self._written(request, about.resource, created, decoded, status=201)

    def _answer_review(self, request: Request, about: Target, decoded: Decoded) -> Answer:
        review = decoded.object
        options.dry_run(request, "CreateOptions")
        if about.resource.namespaced:
            about.place(review)
        told = self._reviews.answer(about.resource, about.namespace, review, request.user)
        return self._made(request, told, decoded)

    def _update(self, request: Request, about: Target) -> Answer:
        dry_run = options.dry_run(request, "UpdateOptions")
        body = parse(request.body, request.media_type)
        if about.subresource == "scale":
            wanted = scales.read(body)
            about.place(wanted)
            return self._scale(about, lambda _: wanted, dry_run=dry_run)
        decoded = bodies.decoded(request, about.resource, body)
        obj = decoded.object
        about.place(obj)
        self.access.check_grant(request.user, about.resource, about.namespace, obj)
        try:
            self.store.entry(about.resource, about.namespace, about.name)
        except NotFound:
            if not about.resource.create_on_update or about.subresource:
                raise
            if uid_of(obj):
                because = f"Precondition failed: UID in precondition: {uid_of(obj)}, UID in object meta: "
                raise Conflict.of(about.resource, about.name, because) from None
            created = self.store.create(about.resource, obj, dry_run=dry_run)
            return self._written(request, about.resource, created, decoded, status=201)
        if carried_revision(obj) is None and not about.resource.unconditional_update:
            cause = invalid("metadata.resourceVersion", 0, "must be specified for an update")
            raise Invalid.of(about.resource, about.name, [cause], called=about.resource.plural)
        updated = self.store.update(about.resource, obj, about.subresource or None, dry_run=dry_run)
        return self._written(request, about.resource, updated, decoded)

    def _patch(self, request: Request, about: Target) -> Answer:
        change, oddities = patching.patch_in(request, about)
        dry_run = options.dry_run(request, "PatchOptions")
        if about.subresource == "scale":

            def patched_scale(present: Object) -> Object:
                with _blaming_patch(about.resource, new := change(present)):
                    wanted = scales.read(new)
                about.place(wanted)
                return wanted

            return self._scale(about, patched_scale, dry_run=dry_run)
        seen: list[Decoded] = []

        def patched(present: Object) -> Object:
            with _blaming_patch(about.resource, new := change(present)):
                check_object(new)
                decoded = bodies.decoded(request, about.resource, new, *oddities)
            about.place(decoded.object)
            self.access.check_grant(request.user, about.resource, about.namespace, decoded.object)
            seen.append(decoded)
            return decoded.object

        result = self.store.patch(
            about.resource, about.namespace, about.name, patched, about.subresource or None, dry_run=dry_run
        )
        return self._written(request, about.resource, result, seen[-1])

    def _scale(self, about: Target, change: Callable[[Object], Object], *, dry_run: bool) -> Answer:
        resource, scale = about.resource, about.resource.scale
        if scale is None:
            raise NotFound.path()

        def rescaled(present: Object) -> Object:
            return scales.scaled(resource, scale, present, change(scales.scale_of(scale, present)))

        written = self.store.patch(resource, about.namespace, about.name, rescaled, dry_run=dry_run)
        return Answer(body=tables.encode(scales.scale_of(scale, written)))

    def _delete(self, request: Request, about: Target) -> Answer:
        asked, dry_run = options.deletion(request)
        if about.resource is NAMESPACES and about.name in IMMORTAL:
            raise Forbidden.of(NAMESPACES, about.name, "this namespace may not be deleted")
        last = self.store.delete(about.resource, about.namespace, about.name, asked, dry_run=dry_run)
        lives = is_terminating(last) and not is_over(last)
        if lives or about.resource.returns_deleted:
            return Answer(body=tables.encode(last))
        details = {
            "name": about.name,
            "group": about.resource.group,
            "kind": about.resource.plural,
            "uid": uid_of(last),
        }
        success = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "details": {key: value for key, value in details.items() if value},
        }
        return Answer(body=tables.encode(success))

    def _delete_collection(self, request: Request, about: Target) -> Answer:
        request.number("timeoutSeconds")
        asked, dry_run = options.deletion(request)
        labels, fields = options.selectors(request, about.resource)
        entries, revision = self.store.entries(about.resource, about.namespace or None, labels, fields)
        for entry in entries:
            self.store.delete(about.resource, namespace_of(entry.shared), name_of(entry.shared), asked, dry_run=dry_run)
        body = tables.many(about.resource, entries, {"resourceVersion": str(revision)}, Form.OBJECT, self._wall())
        return Answer(body=body)

    # Answers

    def _made(self, request: Request, told: Object, decoded: Decoded) -> Answer:
        """The answer to a question that is asked by creating something that is not kept."""
        return Answer(status=201, body=tables.encode(told), warnings=bodies.told(request, decoded))

    def _written(
        self, request: Request, resource: Resource, obj: Object, decoded: Decoded, *, status: int = 200
    ) -> Answer:
        told = bodies.told(request, decoded)
        if resource.custom and status == 201:
            told += tuple(bare_finalizers(obj))
        form = accepted(request.headers.get("accept", ""))
        entry = Entry(obj, revision_of(obj) or 0)
        return Answer(status=status, body=tables.one(resource, entry, form, self._wall()), warnings=told)


_NO_PAGE = Answer(status=404, body=b"404 page not found\n", media_type="text/plain; charset=utf-8")


def _no_kubelet(pod: Object) -> ApiError:
    return ApiError(f'no kubelet runs the pod "{name_of(pod)}": nobody can read its log or run a command in it')


def _refusal(error: ApiError) -> Answer:
    seconds = (error.details or {}).get("retryAfterSeconds")
    return Answer(status=error.code, body=tables.encode(error.as_status()), retry_after=seconds)


def _version_in(obj: Object) -> str:
    return str(lookup(obj, "metadata.resourceVersion", ""))


@contextmanager
def _blaming_patch(resource: Resource, patched: Object) -> Iterator[None]:
    """What cannot be read is the fault of the patch that led to it."""
    try:
        yield
    except BadRequest as error:
        detail = error.detail if isinstance(error, UndecodableError) else error.message
        cause = invalid("patch", tables.encode(patched).decode(), detail)
        raise Invalid.of(resource, "", [cause], called="") from error
