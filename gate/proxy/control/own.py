"""The proxy's own paths: proxies, mixes, faults, leases, counters, decisions."""

from dataclasses import asdict, fields, replace
from typing import Any

from gate.errors import Absent, Permanent
from gate.proxy.control.exchange import Path, Question, Reply
from gate.proxy.explain import explain, identities
from gate.proxy.forms import mapping
from gate.proxy.mix import Mix, fault, mix
from gate.proxy.snapshot import Snapshot
from gate.proxy.spec import Request, Rule, Spec, document, spec
from gate.proxy.switchboard import Switchboard

MOST_EXPLAINED = 10_000


def health(board: Switchboard, _: Question) -> Reply:
    """Say that the proxy lives, and the generation that is in force."""
    return Reply(body={"status": "ok", "generation": board.snapshot.generation})


def proxies(board: Switchboard, _: Question) -> Reply:
    """List all proxies with their behaviour and counters."""
    shown = {name: _shown(board, one) for name, one in board.snapshot.proxies.items()}
    return Reply(body={"generation": board.snapshot.generation, "seed": board.snapshot.seed, "proxies": shown})


def proxy(board: Switchboard, asked: Question) -> Reply:
    """Show one proxy with its behaviour and counters."""
    return Reply(body=_shown(board, board.snapshot.proxy(asked.words["proxy"])))


def put(board: Switchboard, asked: Question) -> Reply:
    """Make a proxy, or replace it whole, with its behaviour, in one step."""
    name = asked.words["proxy"]
    new = name not in board.snapshot.proxies
    wanted = spec({**mapping(asked.json(), "body"), "name": name}, "body")
    board.change(lambda now, at: now.put(wanted, at))
    return Reply(status=201 if new else 200, body=_shown(board, board.snapshot.proxy(name)))


def remove(board: Switchboard, asked: Question) -> Reply:
    """Remove a proxy; what is connected is reset."""
    board.change(lambda now, _: now.remove(asked.words["proxy"]))
    return Reply(status=204)


def put_mix(board: Switchboard, asked: Question) -> Reply:
    """Set the mix of a proxy: a list of faults, or a text like `5:error,10:delay`; rules and other faults stay."""
    wanted = mix(asked.json(), "body")
    return _edited(board, asked, lambda one: with_mix(one, wanted))


def remove_mix(board: Switchboard, asked: Question) -> Reply:
    """Take the mix of a proxy away; rules and other faults stay."""
    return _edited(board, asked, lambda one: with_mix(one, None))


def put_fault(board: Switchboard, asked: Question) -> Reply:
    """Set one fault that is independent of the mix and of all others."""
    name = asked.words["fault"]
    wanted = fault({**mapping(asked.json(), "body"), "name": name}, "body")

    def edit(one: Spec) -> Spec:
        known = any(each.name == name for each in one.faults)
        faults = tuple(wanted if each.name == name else each for each in one.faults)
        return replace(one, faults=faults if known else (*faults, wanted))

    return _edited(board, asked, edit)


def remove_fault(board: Switchboard, asked: Question) -> Reply:
    """Take one independent fault away."""
    name = asked.words["fault"]
    if all(each.name != name for each in board.snapshot.proxy(asked.words["proxy"]).faults):
        raise Absent(f"fault {name}: proxy {asked.words['proxy']} has none of that name outside its mix")
    return _edited(
        board, asked, lambda one: replace(one, faults=tuple(each for each in one.faults if each.name != name))
    )


def renew(board: Switchboard, asked: Question) -> Reply:
    """Renew all leases of an owner; what is not renewed in time heals by itself."""
    board.change(lambda now, at: now.renew(asked.words["owner"], at))
    return Reply(body={"owner": asked.words["owner"], "generation": board.snapshot.generation})


def heal(board: Switchboard, _: Question) -> Reply:
    """Take every behaviour of every proxy back, and let all of them listen. `waiting` names those that stay as they are
    until the port where they have to listen is free.
    """

    def edit(now: Snapshot, at: float) -> Snapshot:
        for one in now.proxies.values():
            now = now.put(replace(one, enabled=True, rules=(), faults=()), at)
        return now

    return Reply(body={"generation": board.heal(edit).generation, "waiting": [*board.waiting]})


def decisions(board: Switchboard, asked: Question) -> Reply:
    """The last decisions; `proxy` and `after` (a number) choose."""
    name, after = asked.query.get("proxy"), whole(asked, "after", 0)
    found = [asdict(each) for each in board.log if each.number > after and name in {None, each.proxy}]
    return Reply(body={"made": board.log.made, "decisions": found})


def explained(board: Switchboard, asked: Question) -> Reply:
    """Say which of the requests 1..`count`, or of those named by `ids`, would be hit now, with `method` and `path`."""
    one = board.snapshot.proxy(asked.words["proxy"])
    count = whole(asked, "count", 100)
    if count > MOST_EXPLAINED:
        raise Permanent(f"count: {count} is more than {MOST_EXPLAINED}")
    ids = asked.query.get("ids")
    names = ids.split(",") if ids else identities(one, count)
    request = Request(method=asked.query.get("method", "GET"), path=asked.query.get("path", "/"), headers={})
    found = explain(one, board.snapshot.seed, names, request, age=board.now())
    return Reply(body={each.identity: [act.fault for act in each.acts] for each in found if each.acts})


def whole(asked: Question, name: str, default: int) -> int:
    """A number of the query. Raises Permanent."""
    text = asked.query.get(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise Permanent(f"{name}: {text!r} is not a whole number")
    return int(text)


def with_mix(one: Spec, wanted: Mix | None) -> Spec:
    """The same with that mix for what no other rule is about."""
    others = tuple(each for each in one.rules if each.where is not None)
    return replace(one, rules=others if wanted is None else (*others, Rule(where=None, mix=wanted)))


def _edited(board: Switchboard, asked: Question, edit: Any) -> Reply:
    name = asked.words["proxy"]
    board.change(lambda now, at: now.put(edit(now.proxy(name)), at))
    return Reply(body=_shown(board, board.snapshot.proxy(name)))


def _shown(board: Switchboard, one: Spec) -> dict[str, object]:
    live = board.live[one.name]
    counted = {each.name: getattr(live.counters, each.name) for each in fields(live.counters)}
    idle = None if live.latest is None else round(board.now() - live.latest, 3)
    return {**document(one), "counters": {**counted, "idle": idle}}


PATHS = [
    Path(method="GET", path="/v1/health", answer=health, open=True),
    Path(method="GET", path="/v1/proxies", answer=proxies),
    Path(method="GET", path="/v1/proxies/{proxy}", answer=proxy),
    Path(method="PUT", path="/v1/proxies/{proxy}", answer=put),
    Path(method="DELETE", path="/v1/proxies/{proxy}", answer=remove),
    Path(method="PUT", path="/v1/proxies/{proxy}/mix", answer=put_mix),
    Path(method="DELETE", path="/v1/proxies/{proxy}/mix", answer=remove_mix),
    Path(method="PUT", path="/v1/proxies/{proxy}/faults/{fault}", answer=put_fault),
    Path(method="DELETE", path="/v1/proxies/{proxy}/faults/{fault}", answer=remove_fault),
    Path(method="GET", path="/v1/proxies/{proxy}/explain", answer=explained),
    Path(method="POST", path="/v1/leases/{owner}", answer=renew),
    Path(method="POST", path="/v1/heal", answer=heal),
    Path(method="GET", path="/v1/decisions", answer=decisions),
]
