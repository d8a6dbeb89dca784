"""The Flask application: health, gates and runs as JSON, the answer that pipelines wait for, a page for people."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from flask import Flask, Response, jsonify, render_template, request, send_file
from werkzeug.exceptions import HTTPException, NotFound

from gate.errors import Absent, Denied, Permanent, Temporary
from gate.model import Gate, Run
from gate.web.answer import Answer
from gate.web.answer_json import to_json
from gate.web.answers import answers, read
from gate.web.asked import BadQuestion, asked
from gate.web.metrics import CONTENT_TYPE, metrics
from gate.web.own import bearer, own
from gate.web.parking import ROOM, Wait
from gate.web.server import LARGEST_BODY
from gate.web.shown import gate_json, readiness_json, run_json
from gate.web.views import Askers, Hearer, Keeper, Views


def unsigned(gate: Gate, version: str) -> None:
    """Nobody signs."""


def create_app(
    views: Views,
    *,
    askers: Askers | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    signed: Callable[[Gate, str], str | None] = unsigned,
    hearer: Hearer | None = None,
    keeper: Keeper | None = None,
) -> Flask:
    """The application over these views. With `askers`, jobs have to say who they are, and ask for their own only. `now`
    decides which overrides stand; `signed` gives what is known of a gate's version in an envelope.
    """
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY

    @app.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", mimetype="text/plain")

    @app.get("/readyz")
    def readyz() -> tuple[Response, int]:
        readiness = views.readiness()
        return jsonify(readiness_json(readiness)), 200 if readiness.ready else 503

    @app.get("/metrics")
    def figures() -> Response:
        return Response(metrics(views), content_type=CONTENT_TYPE)

    @app.get("/api/v1/gates")
    def gates() -> Response:
        return jsonify({"items": [gate_json(gate) for gate in _sorted(views)]})

    @app.get("/api/v1/gates/<namespace>/<kind>/<name>")
    def gate(namespace: str, kind: str, name: str) -> Response:
        return jsonify(gate_json(_named(views, namespace, kind, name)))

    @app.get("/api/v1/runs")
    def runs() -> Response:
        namespace = request.args.get("namespace", "")
        found = [run for run in views.runs() if namespace in {"", run.namespace}]
        return jsonify({"items": [run_json(run) for run in sorted(found, key=_run_key)]})

    @app.get("/api/v1/wait")
    def wait() -> Response:
        what = asked(request.args)
        if askers is not None:
            project = askers.project(bearer(request.headers.get("Authorization", "")))
            what = own(what, project, subscriptions=read(views), gates=views.gates(), unreadable=views.unreadable())
        since = views.changed(-1, 0.0)
        known = answers(views, [what.question], now())[what.question]
        room: list[Wait] | None = request.environ.get(ROOM)
        if room is not None and what.timeout > 0 and known.etag == what.after:
            until = time.monotonic() + what.timeout
            room.append(Wait(question=what.question, known=known.etag, since=since, until=until))
            return Response()  # nobody sees it: the request is answered when there is another answer
        signatures = _envelopes(known, views.gates(), signed)
        return _no_store(jsonify(to_json(replace(known, signed=signatures))))

    @app.get("/")
    def index() -> Response:
        return _page(views, _sorted(views))

    @app.get("/gates/<namespace>/<kind>/<name>")
    def one_gate(namespace: str, kind: str, name: str) -> Response:
        """Where the link of a commit status leads."""
        return _page(views, [_named(views, namespace, kind, name)])

    _take_webhooks(app, hearer)
    _keep_evidence(app, keeper)
    _answer_errors_and_guard(app)
    app.jinja_env.globals["ago"] = _ago
    return app


def _named(views: Views, namespace: str, kind: str, name: str) -> Gate:
    for one in views.gates():
        workload = one.workload.name
        if (workload.namespace, workload.kind.lower(), workload.name) == (namespace, kind.lower(), name):
            return one
    raise NotFound(f"there is no gate for {kind} {namespace}/{name}; /api/v1/gates lists all")


def _page(views: Views, gates: Sequence[Gate]) -> Response:
    page = render_template("index.html", gates=gates, readiness=views.readiness(), now=datetime.now(UTC))
    return _no_store(Response(page, mimetype="text/html"))


def _take_webhooks(app: Flask, hearer: Hearer | None) -> None:
    @app.post("/webhooks/gitlab")
    def webhook() -> tuple[Response, int]:
        """GitLab gives 10 s and never tries again: it is taken at once, and acted on later."""
        if hearer is None:
            raise NotFound("webhooks are not taken here; set CHAOS_GATE_WEBHOOK_SECRETS_FILE")
        hearer.hear(dict(request.headers), request.get_data())
        return jsonify({"taken": True}), 202


def _keep_evidence(app: Flask, keeper: Keeper | None) -> None:
    def ours() -> tuple[Keeper, str]:
        if keeper is None:
            raise NotFound("evidence is not kept here; set CHAOS_GATE_EVIDENCE_URL")
        return keeper, bearer(request.headers.get("Authorization", ""))

    @app.put("/api/v1/evidence/<namespace>/<file>")
    def take_evidence(namespace: str, file: str) -> tuple[Response, int]:
        keeping, token = ours()
        request.max_content_length = None  # the keeper counts what comes
        is_new = keeping.take(namespace, file, token, request.stream)
        return jsonify({"kept": file}), 201 if is_new else 200

    @app.get("/api/v1/evidence/<namespace>/<file>")
    def give_evidence(namespace: str, file: str) -> Response:
        keeping, token = ours()
        try:
            path = keeping.give(namespace, file, token)
        except Absent as error:
            raise NotFound(str(error)) from error
        return _no_store(send_file(path.absolute(), mimetype="application/gzip", as_attachment=True, etag=False))


def _answer_errors_and_guard(app: Flask) -> None:
    """Every error is JSON, and a browser runs nothing that an answer may carry."""

    @app.after_request
    def guarded(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    @app.errorhandler(BadQuestion)
    def bad_question(error: BadQuestion) -> tuple[Response, int]:
        return jsonify({"error": str(error)}), 400

    @app.errorhandler(Denied)
    def denied(error: Denied) -> tuple[Response, int]:
        return jsonify({"error": str(error)}), 403

    @app.errorhandler(Temporary)
    def later(error: Temporary) -> tuple[Response, int]:
        return jsonify({"error": str(error)}), 503

    @app.errorhandler(Permanent)
    def impossible(error: Permanent) -> tuple[Response, int]:
        return jsonify({"error": str(error)}), 422

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[Response, int]:
        return jsonify({"error": error.description}), error.code or 500


def _envelopes(found: Answer, gates: Sequence[Gate], signed: Callable[[Gate, str], str | None]) -> tuple[str, ...]:
    """Of each workload and version that the answer is about, once there is something to go by."""
    if found.verdict is None and not found.overrides:
        return ()
    about = [gate for gate in gates if str(gate.workload.name) in found.workloads]
    each = (signed(gate, version) for gate in about for version in dict.fromkeys(found.version.split()))
    return tuple(envelope for envelope in each if envelope)


def _sorted(views: Views) -> list[Gate]:
    return sorted(views.gates(), key=lambda gate: str(gate.workload.name))


def _run_key(run: Run) -> tuple[str, str]:
    return run.namespace, run.name


def _no_store(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _ago(since: datetime | None, now: datetime) -> str:
    """How long something has lasted, in its largest unit."""
    if since is None:
        return ""
    seconds = max(int((now - since).total_seconds()), 0)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
