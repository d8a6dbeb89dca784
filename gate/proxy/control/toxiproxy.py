"""Toxiproxy's HTTP API, as its clients in ten languages speak it: each toxic is one independent fault.

A toxic keeps its decision when it, or another one, is changed. Two differences are meant: `timeout` and `reset_peer`
hold the whole connection and not one way of it, and what a `timeout` has held goes on when it is removed.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from gate.errors import Absent, Permanent
from gate.proxy.behaviours import Behaviour, Delay, Drip, Hang, Per, Reset, Slow, SlowClose, Stream, Truncate
from gate.proxy.control.exchange import Path, Question, Reply
from gate.proxy.forms import WHOLE, mapping
from gate.proxy.mix import Fault
from gate.proxy.snapshot import Snapshot
from gate.proxy.spec import Spec, spec
from gate.proxy.switchboard import Switchboard

VERSION = "2.12.0"
"""The version whose API this is; clients ask for it."""

STREAMS = {"upstream": Stream.UP, "downstream": Stream.DOWN}


def _milliseconds(count: int) -> timedelta:
    return timedelta(milliseconds=count)


TOXICS: Mapping[str, tuple[tuple[str, ...], Callable[[Mapping[str, int], Stream], Behaviour]]] = {
    "latency": (
        ("latency", "jitter"),
        lambda of, way: Delay(
            time=_milliseconds(of["latency"]), jitter=_milliseconds(of["jitter"]), per=Per.CHUNK, stream=way
        ),
    ),
    "bandwidth": (("rate",), lambda of, way: Slow(rate=of["rate"] * 1000, stream=way)),
    "slow_close": (("delay",), lambda of, way: SlowClose(time=_milliseconds(of["delay"]), stream=way)),
    "timeout": (("timeout",), lambda of, _: Hang(end=_milliseconds(of["timeout"]) if of["timeout"] else None)),
    "reset_peer": (("timeout",), lambda of, _: Reset(after=_milliseconds(of["timeout"]))),
    "slicer": (
        ("average_size", "size_variation", "delay"),
        lambda of, way: Drip(
            size=max(1, of["average_size"]),
            vary=of["size_variation"],
            every=timedelta(microseconds=of["delay"]),
            stream=way,
        ),
    ),
    "limit_data": (("bytes",), lambda of, way: Truncate(after=of["bytes"], stream=way)),
}
"""Type -> its attributes, and the behaviour that they make."""


class Exists(Permanent):
    """There is one of that name already."""


def toxic(given: Mapping[str, Any]) -> Fault:
    """A toxic as a fault. Raises Permanent."""
    kind, stream = given.get("type"), given.get("stream") or "downstream"
    if not isinstance(kind, str) or kind not in TOXICS:
        raise Permanent("invalid toxic type")
    if not isinstance(stream, str) or stream not in STREAMS:
        raise Permanent("stream was invalid, can be either upstream or downstream")
    toxicity = given.get("toxicity", 1.0)
    if isinstance(toxicity, bool) or not isinstance(toxicity, int | float) or not 0 <= toxicity <= 1:
        raise Permanent("toxicity has to be from 0 to 1")
    names, make = TOXICS[kind]
    attributes = {name: _attribute(given.get("attributes"), name) for name in names}
    name = given.get("name") or f"{kind}_{stream}"
    if not isinstance(name, str):
        raise Permanent("name has to be a text")
    said = {"attributes": attributes, "name": name, "type": kind, "stream": stream, "toxicity": toxicity}
    return Fault(
        name=name,
        share=round(toxicity * WHOLE),
        does=make(attributes, STREAMS[stream]),
        toxic=json.dumps(said, sort_keys=True),
    )


def _attribute(given: object, name: str) -> int:
    value = (given if isinstance(given, Mapping) else {}).get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 10**10:
        raise Permanent(f"attribute {name} has to be a whole number that is not negative")
    return value


def _toxics(one: Spec) -> list[dict[str, Any]]:
    return [json.loads(each.toxic) for each in one.faults if each.toxic]


def _shown(one: Spec) -> dict[str, Any]:
    return {
        "name": one.name,
        "listen": str(one.listen),
        "upstream": str(one.upstream),
        "enabled": one.enabled,
        "toxics": _toxics(one),
    }


def _spec(given: Mapping[str, Any], before: Spec | None = None) -> Spec:
    if not given.get("name"):
        raise Permanent("missing required field: name")
    if not given.get("upstream"):
        raise Permanent("missing required field: upstream")
    asked = {name: given[name] for name in ("name", "listen", "upstream", "enabled") if given.get(name) is not None}
    made = spec({"listen": "127.0.0.1:0", "enabled": True, **asked}, "proxy")
    return made if before is None else replace(before, listen=made.listen, upstream=made.upstream, enabled=made.enabled)


def _of(board: Switchboard, asked: Question) -> Spec:
    return board.snapshot.proxy(asked.words["proxy"])


def _put(board: Switchboard, one: Spec) -> Spec:
    return board.change(lambda now, at: now.put(one, at)).proxy(one.name)


def proxies(board: Switchboard, _: Question) -> Reply:
    """Toxiproxy: all proxies by name."""
    return Reply(body={name: _shown(one) for name, one in board.snapshot.proxies.items()})


def create(board: Switchboard, asked: Question) -> Reply:
    """Toxiproxy: make a proxy."""
    one = _spec(mapping(asked.json(), "body"))
    if one.name in board.snapshot.proxies:
        raise Exists("proxy already exists")
    return Reply(status=201, body=_shown(_put(board, one)))


def populate(board: Switchboard, asked: Question) -> Reply:
    """Toxiproxy: make or replace many proxies; those that are the same already stay as they are."""
    given = asked.json()
    if not isinstance(given, list):
        raise Permanent("body: is not a list of proxies")
    wanted = [_spec(mapping(each, f"body[{number}]")) for number, each in enumerate(given)]

    def edit(now: Snapshot, at: float) -> Snapshot:
        for one in wanted:
            before = now.proxies.get(one.name)
            same = before is not None and before.upstream == one.upstream
            if not (same and before is not None and one.listen in {before.listen, replace(before.listen, port=0)}):
                now = now.put(one, at)
        return now

    now = board.change(edit)
    return Reply(status=201, body={"proxies": [_shown(now.proxy(one.name)) for one in wanted]})


def proxy(board: Switchboard, asked: Question) -> Reply:
    """Toxiproxy: one proxy."""
    return Reply(body=_shown(_of(board, asked)))


def update(board: Switchboard, asked: Question) -> Reply:
    """Toxiproxy: change where a proxy listens, where it leads, or whether it is on."""
    before = _of(board, asked)
    kept = {"listen": str(before.listen), "upstream": str(before.upstream), "enabled": before.enabled}
    said = {name: value for name, value in mapping(asked.json(), "body").items() if value is not None and value != ""}
    return Reply(body=_shown(_put(board, _spec({**kept, **said, "name": before.name}, before))))


def destroy(board: Switchboard, asked: Question) -> Reply:
    """Toxiproxy: remove a proxy."""
    board.change(lambda now, _: now.remove(asked.words["proxy"]))
    return Reply(status=204)


def toxics(board: Switchboard, asked: Question) -> Reply:
    """Toxiproxy: the toxics of a proxy."""
    return Reply(body=_toxics(_of(board, asked)))


def add_toxic(board: Switchboard, asked: Question) -> Reply:
    """Toxiproxy: add a toxic."""
    one, made = _of(board, asked), toxic(mapping(asked.json(), "body"))
    if any(each.name == made.name for each in one.everything()):
        raise Exists("toxic already exists")
    _put(board, replace(one, faults=(*one.faults, made)))
    return _said(made)


def show_toxic(board: Switchboard, asked: Question) -> Reply:
    """Toxiproxy: one toxic."""
    return _said(_toxic(board, asked))


def update_toxic(board: Switchboard, asked: Question) -> Reply:
    """Toxiproxy: change the attributes or the toxicity of a toxic; what is not said stays."""
    one, before, given = _of(board, asked), _toxic(board, asked), mapping(asked.json(), "body")
    was = json.loads(before.toxic or "{}")
    said = given.get("attributes")
    attributes = {**was["attributes"], **(said if isinstance(said, Mapping) else {})}
    made = toxic({**was, "attributes": attributes, "toxicity": given.get("toxicity", was["toxicity"])})
    _put(board, replace(one, faults=tuple(made if each.name == made.name else each for each in one.faults)))
    return _said(made)


def remove_toxic(board: Switchboard, asked: Question) -> Reply:
    """Toxiproxy: remove a toxic."""
    one, gone = _of(board, asked), _toxic(board, asked)
    _put(board, replace(one, faults=tuple(each for each in one.faults if each.name != gone.name)))
    return Reply(status=204)


def reset(board: Switchboard, _: Question) -> Reply:
    """Toxiproxy: remove all toxics and let all proxies listen. Mixes and faults that are no toxics stay."""

    def edit(now: Snapshot, at: float) -> Snapshot:
        for one in now.proxies.values():
            kept = tuple(each for each in one.faults if each.toxic is None)
            now = now.put(replace(one, enabled=True, faults=kept), at)
        return now

    board.heal(edit)
    return Reply(status=204)


def version(_board: Switchboard, _: Question) -> Reply:
    """Toxiproxy: the version whose API this is."""
    return Reply(body={"version": VERSION})


def _toxic(board: Switchboard, asked: Question) -> Fault:
    found = [each for each in _of(board, asked).faults if each.toxic and each.name == asked.words["toxic"]]
    if not found:
        raise Absent("toxic not found")
    return found[0]


def _said(one: Fault) -> Reply:
    return Reply(body=json.loads(one.toxic or "{}"))


_PROXY, _TOXIC = "/proxies/{proxy}", "/proxies/{proxy}/toxics/{toxic}"
PATHS = [
    Path(method="GET", path="/proxies", answer=proxies),
    Path(method="POST", path="/proxies", answer=create),
    Path(method="POST", path="/populate", answer=populate),
    Path(method="GET", path=_PROXY, answer=proxy),
    Path(method="POST", path=_PROXY, answer=update),
    Path(method="PATCH", path=_PROXY, answer=update),
    Path(method="DELETE", path=_PROXY, answer=destroy),
    Path(method="GET", path=f"{_PROXY}/toxics", answer=toxics),
    Path(method="POST", path=f"{_PROXY}/toxics", answer=add_toxic),
    Path(method="GET", path=_TOXIC, answer=show_toxic),
    Path(method="POST", path=_TOXIC, answer=update_toxic),
    Path(method="PATCH", path=_TOXIC, answer=update_toxic),
    Path(method="DELETE", path=_TOXIC, answer=remove_toxic),
    Path(method="POST", path="/reset", answer=reset),
    Path(method="GET", path="/version", answer=version, open=True),
]
