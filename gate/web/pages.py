"""The pages for people: all gates, or the one that the link of a commit status leads to."""

from collections.abc import Sequence
from datetime import UTC, datetime

from flask import Flask, Response, render_template

from gate.model import Gate
from gate.web.errors import no_store
from gate.web.listed import in_order, named
from gate.web.reading import insist
from gate.web.views import Readable, Readers, Views


def show_pages(app: Flask, views: Views, readers: Readers | None) -> None:
    app.jinja_env.globals["ago"] = _ago

    @app.get("/")
    def index() -> Response:
        insist(readers, Readable.GATES)
        return _page(views, in_order(views))

    @app.get("/gates/<namespace>/<kind>/<name>")
    def one_gate(namespace: str, kind: str, name: str) -> Response:
        """Where the link of a commit status leads."""
        insist(readers, Readable.GATES, namespace)
        return _page(views, [named(views, namespace, kind, name)])


def _page(views: Views, gates: Sequence[Gate]) -> Response:
    page = render_template("index.html", gates=gates, readiness=views.readiness(), now=datetime.now(UTC))
    return no_store(Response(page, mimetype="text/html"))


def _ago(since: datetime | None, now: datetime) -> str:
    """How long something has lasted, in its largest unit."""
    if since is None:
        return ""
    seconds = max(int((now - since).total_seconds()), 0)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
