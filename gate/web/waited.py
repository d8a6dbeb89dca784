"""The answer that pipelines wait for: given at once where it is news, and held until it is."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from flask import Flask, Response, jsonify, request

from gate.model import Gate
from gate.web.answer import Answer
from gate.web.answer_json import to_json
from gate.web.answers import answers, read
from gate.web.asked import asked
from gate.web.errors import no_store
from gate.web.own import bearer, own
from gate.web.parking import ROOM, Wait
from gate.web.views import Askers, Views

Signed = Callable[[Gate, str], str | None]


def answer_waits(
    app: Flask, views: Views, askers: Askers | None, *, now: Callable[[], datetime], signed: Signed
) -> None:
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
        return no_store(jsonify(to_json(replace(known, signed=signatures))))


def _envelopes(found: Answer, gates: Sequence[Gate], signed: Signed) -> tuple[str, ...]:
    """Of each workload and version that the answer is about, once there is something to go by."""
    if found.verdict is None and not found.overrides:
        return ()
    about = [gate for gate in gates if str(gate.workload.name) in found.workloads]
    each = (signed(gate, version) for gate in about for version in dict.fromkeys(found.version.split()))
    return tuple(envelope for envelope in each if envelope)
