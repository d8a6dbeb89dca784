"""Vaurien's remote control: one behaviour for all. It wins over whatever mix the proxy began with."""

from gate.errors import Permanent
from gate.proxy.behaviours import BEHAVIOURS, kind_of
from gate.proxy.control.exchange import Path, Question, Reply
from gate.proxy.control.own import with_mix
from gate.proxy.forms import mapping
from gate.proxy.mix import mix
from gate.proxy.spec import Spec
from gate.proxy.switchboard import Switchboard


def behaviours(_board: Switchboard, _: Question) -> Reply:
    """Vaurien: the names of all behaviours."""
    return Reply(body={"behaviors": [*BEHAVIOURS]})


def behaviour(board: Switchboard, asked: Question) -> Reply:
    """Vaurien: the behaviour in force: one name, or the mix in words. `proxy` chooses where there are several."""
    one = _chosen(board, asked)
    faults = [each for rule in one.rules if rule.where is None for each in rule.mix.faults]
    whole = len(faults) == 1 and faults[0].share == 1_000_000
    words = ",".join(f"{each.share / 10_000:g}:{kind_of(each.does)}" for each in faults)
    return Reply(body={"behavior": kind_of(faults[0].does) if whole else words or "dummy"})


def set_behaviour(board: Switchboard, asked: Question) -> Reply:
    """Vaurien: this behaviour for all: `{"name": "delay", ...}` with its parameters beside the name."""
    values = dict(mapping(asked.json(), "body"))
    name = values.pop("name", None)
    if not isinstance(name, str):
        raise Permanent("body.name: is missing; say a behaviour")
    wanted = mix([{name: values}], "body")
    one = with_mix(_chosen(board, asked), None if name == "dummy" else wanted)
    board.change(lambda now, at: now.put(one, at))
    return Reply(body={"status": "ok"})


def _chosen(board: Switchboard, asked: Question) -> Spec:
    names = [*board.snapshot.proxies]
    if "proxy" in asked.query:
        return board.snapshot.proxy(asked.query["proxy"])
    if len(names) != 1:
        raise Permanent(f"proxy: there are {len(names)} proxies; choose one with ?proxy=NAME")
    return board.snapshot.proxy(names[0])


PATHS = [
    Path(method="GET", path="/behaviors", answer=behaviours),
    Path(method="GET", path="/behavior", answer=behaviour),
    Path(method="PUT", path="/behavior", answer=set_behaviour),
]
