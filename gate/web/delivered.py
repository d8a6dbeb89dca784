"""What others bring here: webhooks of GitLab, and the evidence of runs, which can be fetched again."""

from flask import Flask, Response, jsonify, request, send_file
from werkzeug.exceptions import NotFound

from gate.errors import Absent
from gate.web.errors import no_store
from gate.web.own import bearer
from gate.web.views import Hearer, Keeper


def take_webhooks(app: Flask, hearer: Hearer | None) -> None:
    @app.post("/webhooks/gitlab")
    def webhook() -> tuple[Response, int]:
        """GitLab gives 10 s and never tries again: it is taken at once, and acted on later."""
        if hearer is None:
            raise NotFound("webhooks are not taken here; set CHAOS_GATE_WEBHOOK_SECRETS_FILE")
        headers = dict(request.headers)
        hearer.insist(headers)  # nobody without a secret has the gate read, and keep, a large body
        hearer.hear(headers, request.get_data())
        return jsonify({"taken": True}), 202


def keep_evidence(app: Flask, keeper: Keeper | None) -> None:
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
        return no_store(send_file(path.absolute(), mimetype="application/gzip", as_attachment=True, etag=False))
