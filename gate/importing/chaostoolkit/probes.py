"""The probes of a hypothesis as ours: those of HTTP, and those of chaosk8s that look at pods and workloads."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from gate.importing.account import Part
from gate.importing.chaostoolkit.configuration import Configuration, open_reference

Json = dict[str, Any]
OTHERS = "no function of Python is called here; ask over HTTP, look at objects, or run a command in a container"
PROCESS = "the program is on the machine of whoever runs it; put it into an image and write a command probe"
LONGEST = 3600
"""Seconds that an answer may take."""
SIMPLE_PATH = re.compile(r"\$\.([A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*|\[[0-9]+\])*)")


def probe(part: Part, configuration: Configuration, when: Sequence[str]) -> Json | None:
    """None, and the account says why, if it cannot be asked here."""
    said = configuration.filled(part.value)
    if name := open_reference(said):
        part.left_out(f'it needs "{name}", which the file does not say')
        return None
    asked = _http(part, said) if said["provider"].get("type") == "http" else _other(said["provider"], said)
    if isinstance(asked, str):
        part.left_out(asked)
        return None
    for key in ("controls", "pauses", "background"):
        part[key].left_out("a probe is asked again and again, and nothing else is done beside it")
    part["configuration"].ignored()
    part.differs("asked every second in each part of the run in which it counts, not once")
    return {"name": str(said["name"]), **asked, "every": "1s", "when": list(when)}


def _other(provider: Json, said: Json) -> Json | str:
    if provider.get("type") == "process":
        return PROCESS
    known = FUNCTIONS.get(f"{provider.get('module')}.{provider.get('func')}")
    return known(provider.get("arguments") or {}, said.get("tolerance")) if known else OTHERS


def _http(part: Part, said: Json) -> Json | str:
    provider = said["provider"]
    expect = _answer(said.get("tolerance", provider.get("expected_status", 200)), provider)
    if isinstance(expect, str):
        return expect
    method = str(provider.get("method") or "GET").upper()
    http: Json = {"url": str(provider.get("url", ""))}
    if method != "GET":
        http["method"] = method
    headers = {str(name): str(value) for name, value in (provider.get("headers") or {}).items()}
    if arguments := provider.get("arguments"):
        http |= _sent(http["url"], method, headers, arguments)
    if headers:
        http["headers"] = headers
    timeout = provider.get("timeout")
    longest = sum(
        each for each in (timeout if isinstance(timeout, list) else [timeout]) if isinstance(each, int | float)
    )
    if 0 < longest < LONGEST:
        http["timeout"] = f"{longest:g}s"
    if provider.get("verify_tls") is False:
        part["provider"]["verify_tls"].left_out("who answers is always verified; give the authority in `tls`")
    return {"http": http, "expect": expect}


def _sent(url: str, method: str, headers: Mapping[str, str], arguments: Any) -> Json:
    """Arguments are the query of a GET; else the body, as the Content-Type has it."""
    if method == "GET":
        return {"url": f"{url}{'&' if '?' in url else '?'}{urlencode(arguments)}"}
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    return {"body": json.dumps(arguments) if "json" in kind else urlencode(arguments)}


def _answer(tolerance: Any, provider: Json) -> Json | str:
    """What a tolerance says of an answer over HTTP; or why that cannot be said."""
    if tolerance is True:
        return {"status": provider.get("expected_status", 200)}
    if isinstance(tolerance, int) and not isinstance(tolerance, bool):
        return {"status": tolerance}
    if isinstance(tolerance, list) and all(isinstance(each, int) for each in tolerance):
        return {"status": tolerance}
    if not isinstance(tolerance, dict):
        return f'an answer cannot be "{tolerance}" here; say its status, body or json'
    usual = {"status": provider.get("expected_status", 200)}
    if tolerance.get("type") == "regex" and tolerance.get("target", "body") == "body":
        return {**usual, "body": str(tolerance.get("pattern"))}
    if tolerance.get("type") == "jsonpath":
        return _json(tolerance, usual)
    return f'a tolerance of the type "{tolerance.get("type")}" cannot be said of an answer over HTTP'


def _json(tolerance: Json, usual: Json) -> Json | str:
    path = SIMPLE_PATH.fullmatch(str(tolerance.get("path")))
    expected = tolerance.get("expect")
    values = expected if isinstance(expected, list) else [expected]
    if path is None or len(values) != 1 or not isinstance(values[0], str | int | float):
        return "the JSONPath does not say that one field has one value; write conditions in `expect.json`"
    return {**usual, "json": [{"field": path[1], "equals": values[0]}]}


def _pods_in_phase(arguments: Json, _tolerance: Any) -> Json | str:
    labels = labels_in(arguments.get("label_selector"))
    if not labels:
        return "it selects pods otherwise than by labels and their values"
    phase = str(arguments.get("phase") or "Running")
    return {"kubernetes": _pods(arguments, labels), "expect": {"field": "status.phase", "equals": phase}}


def _count_pods(arguments: Json, tolerance: Any) -> Json | str:
    labels = labels_in(arguments.get("label_selector"))
    if not labels or not isinstance(tolerance, int) or isinstance(tolerance, bool):
        return "only a number of pods that have labels can be counted"
    pods = _pods(arguments, labels)
    if phase := arguments.get("phase"):
        pods["where"] = [{"field": "status.phase", "equals": str(phase)}]
    return {"kubernetes": pods, "expect": {"count": {"atLeast": tolerance, "atMost": tolerance}}}


def _pods(arguments: Json, labels: Mapping[str, str]) -> Json:
    return {"resource": "pods", "labels": dict(labels), "namespace": str(arguments.get("ns") or "default")}


def _available(arguments: Json, _tolerance: Any) -> Json | str:
    named = {"name": str(arguments.get("name", "")), "namespace": str(arguments.get("ns") or "default")}
    return {"kubernetes": {"resource": "deployments", **named}, "expect": {"condition": "Available"}}


def _all_ready(arguments: Json, _tolerance: Any) -> Json | str:
    named = {"name": str(arguments.get("name", "")), "namespace": str(arguments.get("ns") or "default")}
    return {
        "kubernetes": {"resource": "statefulsets", **named},
        "expect": {"field": "status.readyReplicas", "atLeast": 1},
    }


FUNCTIONS: Mapping[str, Callable[[Json, Any], Json | str]] = {
    "chaosk8s.pod.probes.pods_in_phase": _pods_in_phase,
    "chaosk8s.pod.probes.count_pods": _count_pods,
    "chaosk8s.deployment.probes.deployment_available_and_healthy": _available,
    "chaosk8s.deployment.probes.deployment_fully_available": _available,
    "chaosk8s.probes.microservice_available_and_healthy": _available,
    "chaosk8s.statefulset.probes.statefulset_fully_available": _all_ready,
}


def labels_in(selector: Any) -> dict[str, str]:
    """`a=b,c=d` as a mapping; empty for what says anything else."""
    found = [re.fullmatch(r"([^=!,\s()]+)={1,2}([^=!,\s()]*)", each.strip()) for each in str(selector or "").split(",")]
    return {each[1]: each[2] for each in found if each} if all(found) else {}
