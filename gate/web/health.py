"""Whether the gate lives, and whether it can judge: for whoever keeps it running."""

from flask import Flask, Response, jsonify

from gate.web.shown import readiness_json
from gate.web.views import Views


def tell_health(app: Flask, views: Views) -> None:
    """Asked by a kubelet, which proves nothing: so it says nothing of single gates."""

    @app.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", mimetype="text/plain")

    @app.get("/readyz")
    def readyz() -> tuple[Response, int]:
        readiness = views.readiness()
        return jsonify(readiness_json(readiness)), 200 if readiness.ready else 503
