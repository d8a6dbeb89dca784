"""Gates and runs as JSON, and figures for Prometheus: of all projects, so for those who may read of all."""

from collections.abc import Sequence

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import NotFound

from gate.model import Gate, Run
from gate.web.metrics import CONTENT_TYPE, metrics
from gate.web.reading import insist
from gate.web.shown import gate_json, run_json
from gate.web.views import Readable, Readers, Views


def list_all(app: Flask, views: Views, readers: Readers | None) -> None:
    @app.get("/metrics")
    def figures() -> Response:
        insist(readers, Readable.GATES)
        return Response(metrics(views), content_type=CONTENT_TYPE)

    @app.get("/api/v1/gates")
    def gates() -> Response:
        insist(readers, Readable.GATES)
        return jsonify({"items": [gate_json(gate) for gate in in_order(views)]})

    @app.get("/api/v1/gates/<namespace>/<kind>/<name>")
    def gate(namespace: str, kind: str, name: str) -> Response:
        insist(readers, Readable.GATES, namespace)
        return jsonify(gate_json(named(views, namespace, kind, name)))

    @app.get("/api/v1/runs")
    def runs() -> Response:
        namespace = request.args.get("namespace", "")
        insist(readers, Readable.RUNS, namespace)
        found = [run for run in views.runs() if namespace in {"", run.namespace}]
        return jsonify({"items": [run_json(run) for run in sorted(found, key=_run_key)]})


def named(views: Views, namespace: str, kind: str, name: str) -> Gate:
    """The gate of that workload; the kind in any case. Raises `NotFound`."""
    for one in views.gates():
        workload = one.workload.name
        if (workload.namespace, workload.kind.lower(), workload.name) == (namespace, kind.lower(), name):
            return one
    raise NotFound(f"there is no gate for {kind} {namespace}/{name}; /api/v1/gates lists all")


def in_order(views: Views) -> Sequence[Gate]:
    """All gates, by the names of their workloads."""
    return sorted(views.gates(), key=lambda gate: str(gate.workload.name))


def _run_key(run: Run) -> tuple[str, str]:
    return run.namespace, run.name
