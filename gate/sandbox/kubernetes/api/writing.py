"""The verbs that write: create, update, patch and delete; each checks, asks the store, and says what it became."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from gate.sandbox.kubernetes.access.door import Access
from gate.sandbox.kubernetes.access.tokens import Tokens
from gate.sandbox.kubernetes.api import bodies, eviction, options, patching, scales, tables, token_requests
from gate.sandbox.kubernetes.api.answers import Answer
from gate.sandbox.kubernetes.api.reviews import Reviews
from gate.sandbox.kubernetes.api.tables import Form, accepted
from gate.sandbox.kubernetes.language.decoding import Decoded, UndecodableError, bare_finalizers, check_object, parse
from gate.sandbox.kubernetes.language.errors import (
    ApiError,
    BadRequest,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
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
from gate.sandbox.kubernetes.registry.resource import Resource
from gate.sandbox.kubernetes.registry.resources import NAMESPACES
from gate.sandbox.kubernetes.registry.routes import Request, Target
from gate.sandbox.kubernetes.store.changes import Entry
from gate.sandbox.kubernetes.store.lifecycle import carried_revision, is_over
from gate.sandbox.kubernetes.store.store import Store

IMMORTAL = ("default", "kube-system", "kube-public")
"""The namespaces that nobody may delete, be they there or not."""


class Writing:
    def __init__(self, store: Store, access: Access, tokens: Tokens, *, wall: Callable[[], datetime]) -> None:
        self._store = store
        self._access = access
        self._tokens = tokens
        self._reviews = Reviews(access, tokens, wall)
        self._wall = wall

    def create(self, request: Request, about: Target) -> Answer:
        if about.subresource == "eviction":
            return self._made(request, *eviction.answer(request, about, self._store, self._wall))
        if about.subresource == "token":
            return self._made(request, *token_requests.answer(request, about, self._store, self._tokens, self._wall))
        decoded = bodies.read(request, about.resource)
        obj = decoded.object
        if self._reviews.answers(about.resource):
            return self._answer_review(request, about, decoded)
        about.place(obj)
        if _version_in(obj):
            raise ApiError("resourceVersion should not be set on objects to be created", reason="")
        self._access.check_grant(request.user, about.resource, about.namespace, obj)
        created = self._store.create(about.resource, obj, dry_run=options.dry_run(request, "CreateOptions"))
        return self._written(request, about.resource, created, decoded, status=201)

    def _answer_review(self, request: Request, about: Target, decoded: Decoded) -> Answer:
        review = decoded.object
        options.dry_run(request, "CreateOptions")
        if about.resource.namespaced:
            about.place(review)
        told = self._reviews.answer(about.resource, about.namespace, review, request.user)
        return self._made(request, told, decoded)

    def update(self, request: Request, about: Target) -> Answer:
        dry_run = options.dry_run(request, "UpdateOptions")
        body = parse(request.body, request.media_type)
        if about.subresource == "scale":
            wanted = scales.read(body)
            about.place(wanted)
            return self._scale(about, lambda _: wanted, dry_run=dry_run)
        decoded = bodies.decoded(request, about.resource, body)
        obj = decoded.object
        about.place(obj)
        self._access.check_grant(request.user, about.resource, about.namespace, obj)
        try:
            self._store.entry(about.resource, about.namespace, about.name)
        except NotFound:
            if not about.resource.create_on_update or about.subresource:
                raise
            if uid_of(obj):
                because = f"Precondition failed: UID in precondition: {uid_of(obj)}, UID in object meta: "
                raise Conflict.of(about.resource, about.name, because) from None
            created = self._store.create(about.resource, obj, dry_run=dry_run)
            return self._written(request, about.resource, created, decoded, status=201)
        if carried_revision(obj) is None and not about.resource.unconditional_update:
            cause = invalid("metadata.resourceVersion", 0, "must be specified for an update")
            raise Invalid.of(about.resource, about.name, [cause], called=about.resource.plural)
        updated = self._store.update(about.resource, obj, about.subresource or None, dry_run=dry_run)
        return self._written(request, about.resource, updated, decoded)

    def patch(self, request: Request, about: Target) -> Answer:
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
            self._access.check_grant(request.user, about.resource, about.namespace, decoded.object)
            seen.append(decoded)
            return decoded.object

        result = self._store.patch(
            about.resource, about.namespace, about.name, patched, about.subresource or None, dry_run=dry_run
        )
        return self._written(request, about.resource, result, seen[-1])

    def _scale(self, about: Target, change: Callable[[Object], Object], *, dry_run: bool) -> Answer:
        resource, scale = about.resource, about.resource.scale
        if scale is None:
            raise NotFound.path()

        def rescaled(present: Object) -> Object:
            return scales.scaled(resource, scale, present, change(scales.scale_of(scale, present)))

        written = self._store.patch(resource, about.namespace, about.name, rescaled, dry_run=dry_run)
        return Answer(body=tables.encode(scales.scale_of(scale, written)))

    def delete(self, request: Request, about: Target) -> Answer:
        asked, dry_run = options.deletion(request)
        if about.resource is NAMESPACES and about.name in IMMORTAL:
            raise Forbidden.of(NAMESPACES, about.name, "this namespace may not be deleted")
        last = self._store.delete(about.resource, about.namespace, about.name, asked, dry_run=dry_run)
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

    def delete_collection(self, request: Request, about: Target) -> Answer:
        request.number("timeoutSeconds")
        asked, dry_run = options.deletion(request)
        labels, fields = options.selectors(request, about.resource)
        entries, revision = self._store.entries(about.resource, about.namespace or None, labels, fields)
        for entry in entries:
            self._store.delete(
                about.resource, namespace_of(entry.shared), name_of(entry.shared), asked, dry_run=dry_run
            )
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
