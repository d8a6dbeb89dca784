"""The counters in the text format of Prometheus."""

from collections.abc import Iterable, Iterator

from gate.proxy.control.exchange import Path, Question, Reply
from gate.proxy.switchboard import Switchboard

Sample = tuple[dict[str, str], int]


def metrics(board: Switchboard, _: Question) -> Reply:
    """All counters, for Prometheus."""
    return Reply(body="\n".join(_lines(board)) + "\n", kind="text/plain; version=0.0.4")


def _lines(board: Switchboard) -> Iterator[str]:
    counted = [({"proxy": name}, live.counters) for name, live in board.live.items()]
    generation: list[Sample] = [({}, board.snapshot.generation)]
    yield from _metric("generation", "gauge", "The generation that is in force.", generation)
    yield from _metric("connections_total", "counter", "Accepted.", [(of, each.connections) for of, each in counted])
    yield from _metric("live_connections", "gauge", "Connected now.", [(of, each.live) for of, each in counted])
    yield from _metric("seen_total", "counter", "Requests decided.", [(of, each.seen) for of, each in counted])
    yield from _metric(
        "clean_total", "counter", "Of these, meant for no fault.", [(of, each.clean) for of, each in counted]
    )
    picked = [({**of, "fault": name}, n) for of, each in counted for name, n in each.picked.items()]
    yield from _metric("picked_total", "counter", "Of these, meant for that fault.", picked)
    affected = [({**of, "fault": name}, n) for of, each in counted for name, n in each.affected.items()]
    yield from _metric("affected_total", "counter", "Of these, on which that fault had an effect.", affected)
    sent = [({**of, "to": to}, n) for of, each in counted for to, n in (("upstream", each.up), ("client", each.down))]
    yield from _metric("bytes_total", "counter", "Handed on.", sent)
    ended = [({**of, "how": str(how)}, n) for of, each in counted for how, n in each.endings.items()]
    yield from _metric("ended_total", "counter", "Connections that ended, and how.", ended)


def _metric(name: str, kind: str, what: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP chaos_gate_proxy_{name} {what}"
    yield f"# TYPE chaos_gate_proxy_{name} {kind}"
    for labels, value in samples:
        said = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"chaos_gate_proxy_{name}{{{said}}} {value}" if said else f"chaos_gate_proxy_{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


PATHS = [Path(method="GET", path="/metrics", answer=metrics)]
