"""Whatever stands in place of a value somewhere in a file: documents, entries or refusals, and never a traceback."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.importing.chaostoolkit.reading import import_chaostoolkit
from gate.importing.documents import Imported
from gate.importing.litmus.reading import import_litmus

STRANGE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["${x}", "{{a}}", "<a>", "=", ",", "٣", "²", "1e3", "99999999999999999999"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
PROBE = {
    "name": "p",
    "type": "httpProbe",
    "httpProbe/inputs": {"url": "http://a", "method": {"get": {"criteria": "==", "responseCode": "200"}}},
    "mode": "Edge",
    "runProperties": {"probeTimeout": "1s", "interval": "1s", "attempt": 2},
}
ENV = [{"name": "TOTAL_CHAOS_DURATION", "value": "10"}, {"name": "PODS_AFFECTED_PERC", "value": "50"}]
ENGINE = {
    "kind": "ChaosEngine",
    "metadata": {"name": "e"},
    "spec": {
        "appinfo": {"appns": "shop", "applabel": "a=b", "appkind": "deployment"},
        "experiments": [
            {
                "name": "pod-delete",
                "spec": {"probe": [PROBE], "components": {"env": ENV, "statusCheckTimeouts": {"timeout": 9}}},
            }
        ],
    },
}
ARGO = {
    "kind": "Workflow",
    "metadata": {"name": "w"},
    "spec": {
        "entrypoint": "main",
        "arguments": {"parameters": [{"name": "n", "value": "v"}]},
        "templates": [
            {"name": "main", "steps": [[{"name": "a", "template": "run"}]]},
            {"name": "run", "inputs": {"artifacts": [{"raw": {"data": json.dumps(ENGINE)}}]}},
        ],
    },
}
HTTP = {"type": "http", "url": "http://a", "headers": {"A": "b"}, "timeout": [1, 2], "arguments": {"a": 1}}
KILL = {
    "type": "python",
    "module": "chaosk8s.pod.actions",
    "func": "terminate_pods",
    "arguments": {"label_selector": "a=b", "ns": "shop", "qty": 2, "mode": "percentage", "grace_period": 3},
}
EXPERIMENT = {
    "title": "t",
    "configuration": {"x": {"type": "env", "key": "X", "default": "y"}},
    "steady-state-hypothesis": {"title": "h", "probes": [{"name": "p", "tolerance": 200, "provider": HTTP}]},
    "method": [{"type": "action", "name": "a", "provider": KILL, "pauses": {"after": 3}}],
    "rollbacks": [],
}


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from _paths(each, (*path, key))


def _with(value: Any, path: tuple[str | int, ...], strange: Any) -> Any:
    if not path:
        return strange
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[path[0]] = _with(value[path[0]], path[1:], strange)
    return changed


@pytest.mark.parametrize(
    ("whole", "read"),
    [(ENGINE, import_litmus), (ARGO, import_litmus), (EXPERIMENT, import_chaostoolkit)],
    ids=["engine", "argo", "chaostoolkit"],
)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_strange_value_anywhere_is_never_a_traceback(
    whole: Any, read: Callable[[dict[str, bytes]], Imported], data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(list(_paths(whole))))
    text = json.dumps(_with(whole, path, data.draw(STRANGE)))
    found = read({"file.yaml": text.encode()})
    assert found.documents or found.entries or found.refused
    assert all(document.text for document in found.documents)
