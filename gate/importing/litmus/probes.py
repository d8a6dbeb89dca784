"""The probes of a Litmus experiment as ours; what cannot be asked is left out, what an older Litmus wrote refused."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gate.documents.units import in_words
from gate.importing.account import Part
from gate.importing.litmus.comparing import Criterion, of_number, of_text
from gate.quantities import duration

Json = dict[str, Any]
MODES: Mapping[str, tuple[str, ...]] = {
    "SOT": ("before",),
    "EOT": ("after",),
    "Edge": ("before", "after"),
    "Continuous": ("before", "during", "after"),
    "OnChaos": ("during",),
}
MOST_ATTEMPTS = 1000
STATUSES = ("2xx", "3xx", "4xx", "5xx")
RESOURCES = (
    "deployments",
    "statefulsets",
    "daemonsets",
    "replicasets",
    "rollouts",
    "horizontalpodautoscalers",
    "pods",
    "services",
    "configmaps",
    "leases",
    "events",
)
REFERENCE = "${"
"""What would be taken for one of our parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How often a probe is asked, and how patiently."""

    every: timedelta
    timeout: timedelta
    attempts: int
    interval: timedelta


def probes(listed: Part, hold: timedelta) -> list[Json]:
    """Those that have a counterpart, in their order; a probe during a fault is asked at least once while it is held."""
    return [found for part in listed.items if (found := _probe(part, hold)) is not None]


def _probe(part: Part, hold: timedelta) -> Json | None:
    kind = part["type"].text
    if kind not in KINDS:
        part.left_out(f'"{kind}" is asked by nobody: open-source Litmus passes over it')
        return None
    timing = _timing(part["runProperties"])
    legacy = _legacy(part[f"{kind}/inputs"])
    if timing is None or legacy or part.account.refusals:
        return None
    if REFERENCE in str(part.value) or "{{" in str(part[f"{kind}/inputs"].value):
        part.left_out(
            "it refers to variables or other probes, which are filled in from a fixed list here; write it anew"
        )
        return None
    asked = KINDS[kind](part[f"{kind}/inputs"], timing)
    if asked is None:
        return None
    mode = part["mode"]
    mode.kept(f"when: [{', '.join(MODES.get(mode.text, MODES['Continuous']))}]")
    part["name"].kept("its name")
    part["type"].kept(f"the probe {next(iter(asked))}")
    every = min(timing.every, hold)
    return {
        "name": part["name"].text,
        **asked,
        "every": in_words(every),
        **_tolerance(timing, part["runProperties"]),
        "when": list(MODES.get(mode.text, MODES["Continuous"])),
    }


def _timing(run: Part) -> Timing | None:
    """None if it is written as Litmus 1 and 2 did, where a bare number meant seconds."""
    times: dict[str, timedelta] = {}
    for key, usual in (("probeTimeout", "5s"), ("interval", "1s"), ("probePollingInterval", ""), ("initialDelay", "")):
        value = run[key].value
        if isinstance(value, int):
            run[key].refused(f'{value} has no unit: that is Litmus 1 or 2; write "{value}s", as Litmus 3 wants it')
            return None
        text = str(value or usual)
        try:
            times[key] = duration(text) if text else timedelta(0)
        except ValueError as error:
            run[key].refused(str(error))
            return None
    tries = run["attempt"].value or run["retry"].value or 1
    run["probeTimeout"].kept(f"timeout: {in_words(times['probeTimeout'])}")
    every = times["probePollingInterval"] or times["interval"] or timedelta(seconds=1)
    (run["probePollingInterval"] if times["probePollingInterval"] else run["interval"]).kept(
        f"every: {in_words(every)}"
    )
    run["initialDelay"].left_out("a probe is asked from the beginning of its part on")
    run["initialDelaySeconds"].left_out("a probe is asked from the beginning of its part on")
    run["stopOnFailure"].differs("a fault is taken back early when a probe is certain to have failed")
    run["verbosity"].left_out("the run has every answer in its evidence")
    return Timing(
        every=every,
        timeout=max(times["probeTimeout"], timedelta(milliseconds=1)),
        attempts=min(tries, MOST_ATTEMPTS) if isinstance(tries, int) else 1,
        interval=times["interval"],
    )


def _legacy(inputs: Part) -> bool:
    """A `source` that is text is of Litmus 1 or 2; what stands in `<>` is to be filled in by somebody yet."""
    if isinstance(inputs["source"].value, str):
        inputs["source"].refused("must be a mapping with an image, or left out: a text is Litmus 1 or 2")
        return True
    for path, text in _texts(inputs):
        if re.fullmatch(r"<[^<>]*>", text):
            path.refused(f'"{text}" is to be replaced by what is meant')
            return True
    return False


def _texts(part: Part) -> Iterator[tuple[Part, str]]:
    value = part.value
    if isinstance(value, str):
        yield part, value
    elif isinstance(value, dict):
        for key in value:
            yield from _texts(part[key])
    elif isinstance(value, list):
        for item in part.items:
            yield from _texts(item)


def _tolerance(timing: Timing, run: Part) -> Json:
    """So many attempts in a row have to fail in Litmus; here, the time from the first to the last of them counts."""
    said = run["attempt"] or run["retry"]
    if timing.attempts <= 1:
        said.kept("one bad answer is one too many")
        return {}
    streak = max((timing.attempts - 2) * timing.interval, timedelta(0))
    said.differs(
        f"tolerate: streak {in_words(streak)}: {timing.attempts} attempts in a row have to be bad, not one more"
    )
    return {"tolerate": {"streak": in_words(streak)}}


def _http(inputs: Part, timing: Timing) -> Json | None:
    method = inputs["method"]
    way = "post" if method["post"] else "get"
    said = method[way]
    statuses = _statuses(said)
    if statuses is None:
        said.left_out(f'the answer cannot be "{said["criteria"].text} {said["responseCode"].text}" here')
        return None
    http: Json = {"url": inputs["url"].text, "timeout": in_words(timing.timeout)}
    inputs["url"].kept("url")
    if inputs["insecureSkipVerify"].text == "true":
        inputs["insecureSkipVerify"].left_out("who answers is always verified; give the authority in `tls`")
    else:
        inputs["insecureSkipVerify"].kept("who answers is always verified")
    if way == "post":
        http["method"] = "POST"
        if said["bodyPath"]:
            said["bodyPath"].left_out("there are no files beside a probe; write what they hold into `body`")
        if said["body"]:
            said["body"].kept("body")
            http["body"] = said["body"].text
        if said["contentType"]:
            said["contentType"].kept("the header Content-Type")
            http["headers"] = {"Content-Type": said["contentType"].text}
    said["criteria"].kept(f"expect: status {statuses}")
    said["responseCode"].kept(f"expect: status {statuses}")
    return {"http": http, "expect": {"status": statuses}}


def _statuses(said: Part) -> Any:
    """What `expect.status` says; None if it cannot."""
    criteria, text = said["criteria"].text, said["responseCode"].text or "200"
    codes = [int(each) for each in re.findall("[0-9]+", text)]
    if not codes or any(not 100 <= code <= 599 for code in codes):
        return None
    if criteria in {"==", ""}:
        return codes[0]
    if criteria.lower() == "oneof":
        return codes
    if criteria == "!=" and 200 <= codes[0] < 600:
        family = [code for code in range(codes[0] // 100 * 100, codes[0] // 100 * 100 + 100) if code != codes[0]]
        return [*(each for each in STATUSES if each[0] != str(codes[0])[0]), *family]
    return None


def _command(inputs: Part, timing: Timing) -> Json | None:
    expect = _compared(inputs["comparator"])
    if expect is None:
        return None
    source, image = inputs["source"], inputs["source"]["image"].text
    if source and image:
        source["image"].differs("image: run in the namespace of the workload, with `sleep` to keep it there")
        for key in ("hostNetwork", "privileged", "inheritInputs", "volumes", "volumesMount", "env", "args", "command"):
            source[key].left_out("the container of a probe is run as it is")
    else:
        inputs.left_out("it runs in the experiment's own pod, of which there is none here; name an image in `source`")
        return None
    inputs["command"].kept("run: by sh -c")
    command = {"image": image, "run": ["sh", "-c", inputs["command"].text], "timeout": in_words(timing.timeout)}
    return {"command": command, "expect": expect}


def _prometheus(inputs: Part, timing: Timing) -> Json | None:
    if not inputs["query"]:
        inputs.left_out("the query is in a file (`queryPath`) that is not here; write it into `query`")
        return None
    criterion = of_number(inputs["comparator"])
    if not isinstance(criterion, dict):
        inputs["comparator"].left_out(f"and the probe with it: {criterion}")
        return None
    inputs["endpoint"].kept("url")
    inputs["query"].kept("query")
    asked = {"url": inputs["endpoint"].text, "query": inputs["query"].text, "timeout": in_words(timing.timeout)}
    return {"prometheus": asked, "expect": criterion}


def _kubernetes(inputs: Part, timing: Timing) -> Json | None:
    operation, resource = inputs["operation"].text, inputs["resource"].text
    if operation not in {"present", "absent"}:
        inputs.left_out(f'"{operation}" changes the cluster; a probe only looks here')
        return None
    if resource not in RESOURCES:
        inputs.left_out(f'"{resource}" are not looked at here, but {", ".join(RESOURCES)}')
        return None
    labels = dict(re.findall(r"([^=,\s]+)=+([^=,\s]*)", inputs["labelSelector"].text))
    name = inputs["resourceNames"].text
    if inputs["fieldSelector"] or "," in name or ("," in inputs["labelSelector"].text and not labels):
        inputs.left_out("it selects by fields or several names; write `where` conditions, or several probes")
        return None
    asked: Json = {"resource": resource, "timeout": in_words(timing.timeout)}
    for key, part, value in (
        ("namespace", inputs["namespace"], inputs["namespace"].text),
        ("name", inputs["resourceNames"], name),
        ("labels", inputs["labelSelector"], {} if name else labels),
    ):
        if value:
            part.kept(key)
            asked[key] = value
    count = {"atLeast": 1} if operation == "present" else {"atMost": 0}
    inputs["operation"].kept(f"expect: count {count}")
    for key in ("group", "version", "resource"):
        inputs[key].kept(f"resource: {resource}")
    return {"kubernetes": asked, "expect": {"count": count}}


def _compared(comparator: Part) -> Json | None:
    criterion: Criterion = of_text(comparator) if comparator["type"].text == "string" else of_number(comparator)
    if isinstance(criterion, dict):
        return criterion
    comparator.left_out(f"and the probe with it: {criterion}")
    return None


KINDS: Mapping[str, Callable[[Part, Timing], Json | None]] = {
    "httpProbe": _http,
    "cmdProbe": _command,
    "promProbe": _prometheus,
    "k8sProbe": _kubernetes,
}
"""By their type. `sloProbe` is in the schema of Litmus, but open-source Litmus has no code for it."""


def windows(found: Sequence[Json]) -> set[str]:
    """In which parts of a run any of them counts."""
    return {window for probe in found for window in probe["when"]}
