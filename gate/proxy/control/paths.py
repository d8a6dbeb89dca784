"""All that can be asked, found by method and path; and the OpenAPI document, which is made from the same table."""

from typing import Any
from urllib.parse import parse_qsl, unquote

from gate.errors import Absent, Permanent
from gate.proxy.control import metrics, own, toxiproxy, vaurien
from gate.proxy.control.exchange import Path, Question, Reply, refused
from gate.proxy.switchboard import Switchboard


def document(_board: Switchboard, _: Question) -> Reply:
    """This document."""
    return Reply(body=openapi())


PATHS = [
    *own.PATHS,
    *metrics.PATHS,
    *toxiproxy.PATHS,
    *vaurien.PATHS,
    Path(method="GET", path="/openapi.json", answer=document, open=True),
]


def openapi() -> dict[str, Any]:
    """The OpenAPI document of the control API."""
    found: dict[str, Any] = {}
    for each in PATHS:
        names = [part[1:-1] for part in each.path.split("/") if part.startswith("{")]
        found.setdefault(each.path, {})[each.method.lower()] = {
            "operationId": f"{each.answer.__module__.rpartition('.')[2]}.{each.answer.__name__}.{each.method.lower()}",
            "summary": " ".join((each.answer.__doc__ or "").split()),
            "parameters": [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
            ],
            "responses": {
                "2XX": {"description": "Done."},
                "4XX": {"description": "A mistake: `error` names the place and the remedy."},
            },
            "security": [] if each.open else [{"token": []}],
        }
    schemes = {"token": {"type": "http", "scheme": "bearer"}}
    info = {"title": "chaos-gate proxy", "version": "1", "description": "Control of the fault proxy."}
    return {"openapi": "3.1.0", "info": info, "paths": found, "components": {"securitySchemes": schemes}}


def find(method: str, target: str) -> tuple[Path, Question] | Reply:
    """Who answers, with the words of the path and the query; or a refusal."""
    path, _, query = target.partition("?")
    parts = path.rstrip("/").split("/")
    methods = []
    for each in PATHS:
        words = _words(each.path.split("/"), parts)
        if words is not None and each.method == method:
            return each, Question(words=words, query=dict(parse_qsl(query, keep_blank_values=True)))
        methods += [each.method] if words is not None else []
    if methods:
        return refused(f"{path}: {method} is not one of {', '.join(methods)}", 405)
    return refused(f"{path}: there is no such path; see /openapi.json", 404)


def _words(pattern: list[str], parts: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(parts):
        return None
    words = {}
    for wanted, part in zip(pattern, parts, strict=True):
        if wanted.startswith("{"):
            words[wanted[1:-1]] = unquote(part)
        elif wanted != part:
            return None
    return words


def answered(board: Switchboard, path: Path, asked: Question) -> Reply:
    """The reply; what the gate raises on purpose becomes a refusal here."""
    try:
        return path.answer(board, asked)
    except toxiproxy.Exists as error:
        return refused(str(error), 409)
    except Absent as error:
        return refused(_as_toxiproxy_says(path, str(error)), 404)
    except (Permanent, ValueError) as error:
        return refused(str(error), 400)


def _as_toxiproxy_says(path: Path, why: str) -> str:
    return "proxy not found" if path in toxiproxy.PATHS and why.startswith("proxy ") else why
