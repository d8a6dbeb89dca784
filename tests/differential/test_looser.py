"""Where the sandbox is known to be looser than the real server: each line of the list in docs/sandbox.md is tried.

The real server's half is there so that a line goes when it is no longer true.
"""

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests import grounds
from tests.differential.player import Ask, Reply, play, value_at
from tests.differential.samples import evict, pod, run
from tests.differential.words import (
    CONFIG_MAPS,
    DEFINITIONS,
    ENDPOINTS,
    LEASES,
    PODS,
    RUNS,
    SERVICES,
    TABLE,
    Collection,
    config_map,
)
from tests.grounds import Ground

DOCUMENT = Path(__file__).parents[2] / "docs" / "sandbox.md"

Expected = dict[str, Any]
"""Values in the last answer, by dotted path below `code`, `headers` and `body`; `SOMETHING` for any."""
SOMETHING = object()

NAME = "${ns}.example.com"
OLD, NEW = Collection("example.com/v1", "${ns}", "Thing"), Collection("example.com/v2", "${ns}", "Thing")


def thing(*versions: dict[str, Any]) -> Ask:
    """A kind of the test's own with these schemas; the first version is stored."""
    rows = [
        {"name": f"v{number}", "served": True, "storage": number == 1, "schema": {"openAPIV3Schema": schema}}
        for number, schema in enumerate(versions, 1)
    ]
    names = {"plural": "${ns}", "kind": "Thing", "listKind": "ThingList"}
    spec = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": rows}
    return DEFINITIONS.create(DEFINITIONS.object(NAME, spec=spec))


def columned(**column: str) -> Ask:
    """The same with a column of its own in tables."""
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    columns = [{"name": "A", "type": "string", "jsonPath": ".spec.a", **column}]
    names = {"plural": "${ns}", "kind": "Thing", "listKind": "ThingList"}
    versions = [version | {"additionalPrinterColumns": columns}]
    spec = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": versions}
    return DEFINITIONS.create(DEFINITIONS.object(NAME, spec=spec))


def schema(*fields: str, rule: str = "") -> dict[str, Any]:
    spec: dict[str, Any] = {"type": "object", "properties": {field: {"type": "integer"} for field in fields}}
    if rule:
        spec["x-kubernetes-validations"] = [{"rule": rule}]
    return {"type": "object", "properties": {"spec": spec}}


def with_spec(**spec: Any) -> Ask:
    return PODS.create(pod("p", spec={**pod("p")["spec"], **spec}), dryRun="All")


def with_gate(name: str) -> Ask:
    """A pod that nobody runs."""
    gated = {"containers": [{"name": "main", "image": "web:1"}], "schedulingGates": [{"name": "wait"}]}
    return PODS.create(PODS.object(name, spec=gated))


def below(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": {"type": "object", **fields}}}


def chosen(name: str, address: str) -> Ask:
    return SERVICES.create(SERVICES.object(name, spec={"clusterIP": address, "ports": [{"port": 80}]}))


def with_container(**fields: Any) -> Ask:
    return with_spec(containers=[{"name": "web", "image": "web:1", **fields}])


WANTED = {"requiredDuringSchedulingIgnoredDuringExecution": {}}
SPREAD = {"maxSkew": 0, "topologyKey": "", "whenUnsatisfiable": "Never"}
MADE, REFUSED, FORBIDDEN = {"code": 201}, {"code": 422}, {"code": 403}

LOOSER: dict[str, list[tuple[tuple[Ask, ...], Expected, Expected]]] = {
    "CEL rules of custom resources are not evaluated": [
        (
            (
                thing(schema("a", rule="self.a < 5")),
                OLD.get().until(code=200),
                OLD.create(OLD.object("x", spec={"a": 7})),
            ),
            MADE,
            REFUSED,
        )
    ],
    "printer columns and paths of custom resources are not checked": [
        ((columned(type="strange"),), MADE, REFUSED),
        ((columned(jsonPath="a b["),), MADE, REFUSED),
    ],
    "versions of a custom resource differ in name only": [
        (
            (
                thing(schema("a", "b"), schema("a")),
                NEW.get().until(code=200),
                OLD.get().until(code=200),
                OLD.create(OLD.object("x", spec={"a": 1, "b": 2})),
                NEW.get("x"),
            ),
            {"body.apiVersion": "example.com/v2", "body.spec": {"a": 1, "b": 2}},
            {"body.apiVersion": "example.com/v2", "body.spec": {"a": 1}},
        )
    ],
    "quantities are not checked": [
        ((with_container(resources={"limits": {"cpu": "much"}}),), MADE, {"code": 400}),
        ((with_container(resources={"limits": {"memory": "-1"}}),), MADE, REFUSED),
        ((with_container(resources={"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}),), MADE, REFUSED),
    ],
    "a field that a YAML body has twice is not noticed": [
        (
            (CONFIG_MAPS.create(b"metadata: {name: a}\ndata: {k: v, k: w}", media="application/yaml"),),
            {"code": 201, "headers.Warning": None},
            {"code": 201, "headers.Warning": '299 - "line 2: key \\"k\\" already set in map"'},
        )
    ],
    "a refusal does not name the fields that were unknown": [
        (
            (CONFIG_MAPS.put(config_map(unknown=1), "other"),),
            {"code": 400, "headers.Warning": None},
            {"code": 400, "headers.Warning": '299 - "unknown field \\"unknown\\""'},
        )
    ],
    "managedFields are not kept": [
        (
            (CONFIG_MAPS.create(config_map(data={"k": "v"})),),
            {"body.metadata.managedFields": None},
            {"body.metadata.managedFields": SOMETHING},
        ),
        ((RUNS.create(run()),), {"body.metadata.managedFields": None}, {"body.metadata.managedFields": SOMETHING}),
        (
            (
                RUNS.create(run()).keep("before"),
                RUNS.patch({"metadata": {"labels": {"not": "written"}}}, "r", "status"),
                RUNS.delete("r", options={"preconditions": {"resourceVersion": "${before:metadata.resourceVersion}"}}),
            ),
            {"code": 200},
            {"code": 409},
        ),
    ],
    "columns of tables have no descriptions": [
        (
            (LEASES.get().accepting(TABLE),),
            {"body.columnDefinitions.0.name": "Name", "body.columnDefinitions.0.description": ""},
            {"body.columnDefinitions.0.name": "Name", "body.columnDefinitions.0.description": SOMETHING},
        )
    ],
    "there is one node and nothing to schedule": [
        (
            (with_spec(nodeSelector={"nowhere": "to-be-found"}),),
            {"code": 201, "body.spec.nodeName": "sandbox"},
            {"code": 201, "body.spec.nodeName": None},
        )
    ],
    "what of a pod has no effect here is not checked": [
        ((with_spec(securityContext={"runAsUser": -1}),), MADE, REFUSED),
        ((with_container(securityContext={"runAsUser": -1}),), MADE, REFUSED),
        ((with_spec(tolerations=[{"key": "no key"}]),), MADE, REFUSED),
        ((with_spec(affinity={"nodeAffinity": WANTED}),), MADE, REFUSED),
        ((with_spec(topologySpreadConstraints=[SPREAD]),), MADE, REFUSED),
        ((with_container(resources={"limits": {"unknown": "1"}}),), MADE, REFUSED),
        ((with_spec(volumes=[{"name": "v", "hostPath": {"path": ""}}]),), MADE, REFUSED),
    ],
    "admission adds nothing to pods": [
        ((with_spec(),), {"body.spec.tolerations": None}, {"body.spec.tolerations": SOMETHING}),
        ((with_spec(),), {"body.spec.volumes": None}, {"body.spec.volumes": SOMETHING}),
        ((with_spec(serviceAccountName="nobody"),), MADE, FORBIDDEN),
        ((with_spec(priorityClassName="none"),), MADE, FORBIDDEN),
        ((with_spec(runtimeClassName="none"),), MADE, FORBIDDEN),
    ],
    "an address that somebody chooses for a Service may be taken": [
        ((chosen("a", "10.96.77.1").show("kind"), chosen("b", "10.96.77.1")), MADE, REFUSED),
        ((chosen("a", "10.1.2.3"),), MADE, REFUSED),
    ],
    "the status of a Service that is not there is not found": [
        ((SERVICES.put(SERVICES.object("s", spec={"clusterIP": "None"}), "s", "status"),), {"code": 404}, REFUSED),
    ],
    "an eviction with options that cannot be leaves no trace": [
        (
            (
                with_gate("p"),
                evict("p", deleteOptions={"propagationPolicy": "Sometimes"}),
                PODS.get("p"),
            ),
            {"body.status.conditions.1": None},
            {"body.status.conditions.1.type": "DisruptionTarget"},
        )
    ],
    "`additionalProperties` of a schema may be of any type": [
        ((thing(below(additionalProperties=5)),), MADE, {"code": 400}),
    ],
    "Endpoints that somebody writes are not checked": [
        ((ENDPOINTS.create(ENDPOINTS.object("e", subsets=[{"addresses": [{"ip": "x"}]}])),), MADE, REFUSED),
    ],
}

BELOW_ZERO = with_spec(terminationGracePeriodSeconds=-1)
DEEP = CONFIG_MAPS.create(b'{"metadata":{"name":"deep"},"unknown":' + b"[" * 5000 + b"]" * 5000 + b"}")
NO_MORE = (
    SERVICES.create(SERVICES.object("s", spec={"clusterIP": "None", "ports": [{"port": 80}]})),
    SERVICES.patch({"spec": {"selector": {"a": "b"}, "ipFamilyPolicy": "SingleStack"}}, "s"),
)

ROWS = [pytest.param(*row, id=f"{line} {number}") for line, rows in LOOSER.items() for number, row in enumerate(rows)]


def listed() -> list[str]:
    """The lines of the list, without what follows a colon or stands in brackets."""
    told = DOCUMENT.read_text().partition("Known to be looser")[2].partition("Known to be stricter")[0]
    return [
        re.split(r": | \(|, and |, or |, only ", line)[0].strip()
        for line in re.findall(r"^- (.+)$", told, re.MULTILINE)
    ]


OF_THE_SANDBOX = ("events do not expire", "containers see the machine's files and are not limited")
"""What the real server does after an hour, or by a kubelet, which it does not have here: tried below."""


def test_every_line_of_the_list_is_tried() -> None:
    assert sorted(listed()) == sorted((*LOOSER, *OF_THE_SANDBOX))


@pytest.mark.parametrize(("script", "ours", "theirs"), ROWS)
def test_the_sandbox_is_as_loose_as_it_says(
    lasting_sandbox: Ground, script: tuple[Ask, ...], ours: Expected, theirs: Expected
) -> None:
    reply = last_of(script, lasting_sandbox)
    assert fits(reply, ours), reply
    assert not fits(reply, theirs), "the real server says the same"


@pytest.mark.cluster
@pytest.mark.parametrize(("script", "ours", "theirs"), ROWS)
def test_the_real_server_is_not(real: Ground, script: tuple[Ask, ...], ours: Expected, theirs: Expected) -> None:
    reply = last_of(script, real)
    assert fits(reply, theirs), reply
    assert not fits(reply, ours), "the sandbox says the same"


def test_the_sandbox_is_stricter_with_a_grace_period_below_zero(lasting_sandbox: Ground) -> None:
    assert last_of((BELOW_ZERO,), lasting_sandbox).code == 422


@pytest.mark.cluster
def test_the_real_server_makes_one_second_of_it(real: Ground) -> None:
    assert fits(last_of((BELOW_ZERO,), real), {"code": 201, "body.spec.terminationGracePeriodSeconds": 1})


def test_the_sandbox_is_stricter_with_families_that_were_two(lasting_sandbox: Ground) -> None:
    assert last_of(NO_MORE, lasting_sandbox).code == 422


@pytest.mark.cluster
def test_the_real_server_leaves_one_of_them(real: Ground) -> None:
    assert fits(last_of(NO_MORE, real), {"code": 200, "body.spec.ipFamilies": ["IPv4"]})


def test_the_sandbox_is_stricter_with_the_depth_of_json(lasting_sandbox: Ground) -> None:
    assert last_of((DEEP,), lasting_sandbox).code == 400


@pytest.mark.cluster
def test_the_real_server_reads_it(real: Ground) -> None:
    assert last_of((DEEP,), real).code == 201


def test_events_do_not_expire(tmp_path: Path) -> None:
    now = [datetime(2030, 1, 1, tzinfo=UTC)]
    with grounds.sandbox(tmp_path, images=None, clock=lambda: now[0]) as (sandbox, _):
        event = {"metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "namespace": "default", "name": "p"}}
        assert sandbox.ask("POST", "/api/v1/namespaces/default/events", event).status_code == 201
        now[0] += timedelta(days=1)
        assert sandbox.ask("GET", "/api/v1/namespaces/default/events/e").status_code == 200


def test_containers_see_the_machines_files_and_are_not_limited(
    sandbox: Ground, tmp_path: Path, eventually: Callable[[Callable[[], object]], None]
) -> None:
    (tmp_path / "here").write_text("of the machine")
    size = 32 * 2**20
    command = ["sh", "-c", f"cat {tmp_path}/here; head -c {size} /dev/zero | sort | wc -c"]
    limited = {"limits": {"memory": "1Mi"}}
    reader = {"name": "web", "image": "web:1", "command": command, "resources": limited}
    wanted = pod("p", spec={"containers": [reader], "restartPolicy": "Never"})
    assert sandbox.ask("POST", "/api/v1/namespaces/default/pods", wanted).status_code == 201
    place = "/api/v1/namespaces/default/pods/p"
    eventually(lambda: sandbox.ask("GET", place).json()["status"]["phase"] == "Succeeded")
    assert "of the machine" in sandbox.ask("GET", f"{place}/log").text


def last_of(script: tuple[Ask, ...], ground: Ground) -> Reply:
    """The last answer, in a namespace of the script's own; what it made goes with that."""
    name = f"looser-{uuid.uuid4().hex[:8]}"
    made = ground.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    assert made.status_code == 201, made.text
    account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
    waited = Ask(method="GET", path=account).until(code=200)
    try:
        return play((waited, *script) if ground.is_real else script, ground, name)[-1]
    finally:
        ground.ask("DELETE", DEFINITIONS.path(f"{name}.example.com"))
        ground.ask("DELETE", f"/api/v1/namespaces/{name}")


def fits(reply: Reply, expected: Expected) -> bool:
    whole = {"code": reply.code, "headers": dict(reply.headers), "body": reply.body}
    found = {path: value_at(whole, path) for path in expected}
    return all(found[path] if value is SOMETHING else found[path] == value for path, value in expected.items())
