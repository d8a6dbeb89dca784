"""The verbs that read: one object, a list of them page by page, and what changes from then on."""

from collections.abc import Callable
from datetime import datetime

from gate.sandbox.kubernetes.api import options, scales, tables, watching
from gate.sandbox.kubernetes.api.answers import Answer, Stream
from gate.sandbox.kubernetes.api.tables import Form, accepted, accepted_of_many, accepted_of_one, included
from gate.sandbox.kubernetes.language.errors import BadRequest, Gone, Timeout
from gate.sandbox.kubernetes.language.objects import Object, name_of
from gate.sandbox.kubernetes.language.selectors import FieldSelector, selection
from gate.sandbox.kubernetes.registry.resource import Resource
from gate.sandbox.kubernetes.registry.routes import Request, Target
from gate.sandbox.kubernetes.store.changes import Entry
from gate.sandbox.kubernetes.store.store import Store


class Reading:
    def __init__(self, store: Store, *, wall: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._store = store
        self._wall = wall
        self._monotonic = monotonic

    def get(self, request: Request, about: Target) -> Answer:
        entry = self._store.entry(about.resource, about.namespace, about.name)
        form = accepted_of_one(request.headers.get("accept", ""))
        options.check_version_of_one(request)
        include, resource = included(request.query, form), about.resource
        if about.subresource == "scale" and resource.scale:
            entry = Entry(scales.scale_of(resource.scale, entry.shared), entry.revision)
            resource = scales.SCALES
        return Answer(body=tables.one(resource, entry, form, self._wall(), include))

    def list(self, request: Request, about: Target) -> Answer:
        form = accepted_of_many(request.headers.get("accept", ""))
        request.number("timeoutSeconds")  # no list takes so long, but it has to be a number
        labels, fields = options.selectors(request, about.resource)
        at, after = self._moment(request, about.resource)
        everything, revision = self._store.entries(about.resource, about.namespace or None, at=at)
        if after is not None:
            everything = [entry for entry in everything if options.place(entry) > after]
        if fields is not None and fields.names:  # one object is looked up, not looked for among the others
            everything = [entry for entry in everything if name_of(entry.shared) in fields.names]
        wanted = selection(labels, fields)
        entries = [entry for entry in everything if wanted(entry.shared)]
        metadata: Object = {"resourceVersion": str(revision)}
        limit = self._limit(request)
        # Whoever has found enough does not look whether what is left is selected, too: the next page may be empty.
        if 0 < limit <= len(entries) and entries[limit - 1] is not everything[-1]:
            metadata["continue"] = options.continue_token(revision, entries[limit - 1])
            if labels is None and fields is None:
                metadata["remainingItemCount"] = len(entries) - limit
            entries = entries[:limit]
        include = included(request.query, form)
        return Answer(body=tables.many(about.resource, entries, metadata, form, self._wall(), include))

    @staticmethod
    def _limit(request: Request) -> int:
        """How many at most; 0 for all, which is what those get who take any version."""
        limit = request.number("limit") or 0
        anything = request.query.get("resourceVersion") == "0" and not request.query.get("continue")
        return 0 if anything else limit

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
                self._store.entries(resource, at=revision if revision > 0 else None)
            except Gone as gone:
                raise options.expired_token(after) from gone
            return (revision if revision > 0 else None), after
        asked = options.revision(version)
        if match == "Exact" or (asked and not match and request.number("limit")):
            return asked, None
        if asked is not None and asked > self._store.revision:
            raise Timeout.too_large(asked, self._store.revision)
        return None, None

    def watch(self, request: Request, about: Target) -> Stream:
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
            with self._store.lock:
                initial, asked = self._store.entries(about.resource, about.namespace or None, labels, fields)
                if request.query.get("sendInitialEvents") and not sends_initial:
                    initial = []
                watch = self._store.subscribe([about.resource], since=asked)
        else:
            try:
                watch = self._store.subscribe([about.resource], since=asked)
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
        ends = None if view.seconds is None else self._monotonic() + view.seconds
        return Stream(chunks=chunks, source=watch, ends=ends)
